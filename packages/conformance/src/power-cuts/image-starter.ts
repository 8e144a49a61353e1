import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggedEvent } from "../ledger/ledger.ts";
import { prepareServerCommand } from "../server/server-command.ts";
import { readLog } from "../wire/read-log.ts";
import { digestImage, writeImage } from "./disk-image.ts";
import type { DiskImage } from "./disk-model.ts";

/** The whole log of a server that was started on an image; a text says why it did not start. */
export type StartedImage = { readonly log: readonly LoggedEvent[] } | { readonly failure: string };

export interface ImageStarterOptions {
  readonly command: string;
  /** Where the image's paths begin. */
  readonly root: string;
  /** Images that a server does not start on are copied to this folder. */
  readonly keepDir?: string | undefined;
}

const REMEMBERED = 20; // equal images come from cuts that are near each other

/** Starts a server on images of a disk; on equal ones once. */
export class ImageStarter {
  readonly #options: ImageStarterOptions;
  readonly #started = new Map<string, Promise<StartedImage>>(); // the newest ones
  #starts = 0;

  constructor(options: ImageStarterOptions) {
    this.#options = options;
  }

  get starts(): number {
    return this.#starts;
  }

  start(image: DiskImage): Promise<StartedImage> {
    const digest = digestImage(image);
    const earlier = this.#started.get(digest);
    if (earlier !== undefined) return earlier;
    const started = this.#startOnce(image, digest);
    this.#starts += 1;
    this.#started.set(digest, started);
    const [oldest = digest] = this.#started.keys();
    if (this.#started.size > REMEMBERED) this.#started.delete(oldest);
    return started;
  }

  async #startOnce(image: DiskImage, digest: string): Promise<StartedImage> {
    const { command, root, keepDir } = this.#options;
    const folder = mkdtempSync(join(tmpdir(), "my-bot-power-cut-"));
    try {
      writeImage(image, root, folder);
      await using server = await prepareServerCommand({ command, workspaceDir: folder });
      server.launch();
      const failure = (await server.ready()) ? undefined : server.stderr.trim() || "it does not answer within 15 s";
      if (failure === undefined) return { log: await readLog(server.port) };
      if (keepDir !== undefined) {
        await server.kill();
        writeImage(image, root, join(keepDir, digest.slice(0, 12)));
      }
      return { failure };
    } catch (cause) {
      return { failure: cause instanceof Error ? cause.message : String(cause) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
