import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder with these files, readable by its owner only, that is gone when the test ends. */
export async function temporaryFolder(files: Record<string, string | Uint8Array>): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "my-bot-workspace-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content, { mode: 0o600 });
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
