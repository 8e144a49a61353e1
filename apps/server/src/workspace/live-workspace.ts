import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "./config-error.ts";
import { isErrorCode } from "./config-file.ts";
import type { Environment } from "./load-config.ts";
import type { Workspace } from "./open-workspace.ts";
import { reopenWorkspace } from "./reopen-workspace.ts";
import { SettledCalls } from "./settled-calls.ts";
import { FOLDERS, watchFiles } from "./watch-files.ts";

export interface LiveWorkspaceOptions {
  readonly env: Environment;
  /** One line for whoever runs the server. */
  readonly report: (line: string, level: "info" | "warn") => void;
  /** What no user has to mend, for the log. */
  readonly onError: (error: unknown) => void;
}

const QUIET_MS = 100; // an editor's several steps of saving are one edit
const LONGEST_WAIT_MS = 1000;
const RETRY_MS = 5000; // while there is a fault: what mends it may lie outside the watched files

/** The workspace as it was last read without a fault: what the next message and the next run use (SPEC WSP7). */
export class LiveWorkspace {
  readonly #options: LiveWorkspaceOptions;
  readonly #reads = new SettledCalls(() => this.#read(), { quietMs: QUIET_MS, longestMs: LONGEST_WAIT_MS });
  #current: Workspace;
  #loadedAt = Date.now() / 1000;
  #problem: string | null = null;
  #isInDoubt = false; // the last reading found a fault: a file may have been half written
  #replaced = new AbortController();
  #take: (next: Workspace) => void = () => undefined;
  #watching = new AbortController();
  #isStale = true; // some of what is to be watched may not be
  #isBlind = false; // some files could not be watched
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(first: Workspace, options: LiveWorkspaceOptions) {
    this.#current = first;
    this.#options = options;
  }

  get current(): Workspace {
    return this.#current;
  }

  /** Aborts when `current` is replaced. */
  get replaced(): AbortSignal {
    return this.#replaced.signal;
  }

  /** When `current` was read, in seconds since 1970. */
  get loadedAt(): number {
    return this.#loadedAt;
  }

  /** Why the files as they are now are not in use; null when they are. */
  get problem(): string | null {
    return this.#problem;
  }

  /** From now on edits are taken into use by `take`; what that throws refuses them. */
  watch(take: (next: Workspace) => void): void {
    this.#take = take;
    this.#reads.request();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watching.abort();
    await this.#reads.close();
    clearTimeout(this.#retry);
  }

  /** Begins before the files are read, so that no change falls between. */
  async #watchAnew(): Promise<void> {
    if (this.#isClosed) return;
    this.#isStale = false;
    this.#watching.abort();
    this.#watching = new AbortController();
    const { dir, config } = this.#current;
    const onChange = (isFolder: boolean): void => {
      this.#isStale ||= isFolder;
      this.#reads.request();
    };
    const onError = (error: unknown): void => this.#doubtWatching(error);
    await watchFiles({ ...config, dir }, { onChange, onError }, this.#watching.signal);
  }

  #doubtWatching(error: unknown): void {
    this.#options.onError(error);
    this.#reads.request();
    if (!["ENOSPC", "EMFILE"].some((code) => isErrorCode(error, code)) || this.#isBlind) return;
    this.#isBlind = true;
    this.#options.report(
      "not every edit is noticed: too many files to watch for this system; restart to apply",
      "warn",
    );
  }

  async #read(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      if (this.#isStale) await this.#watchAnew();
      const next = await reopenWorkspace(this.#current, this.#options);
      if (!isDeepStrictEqual(next, this.#current)) this.#replace(next);
      else if (this.#problem !== null) this.#options.report("the workspace is as it was before the fault", "info");
      this.#problem = null;
      this.#isInDoubt = false;
    } catch (cause) {
      if (this.#isInDoubt) this.#refuse(cause);
      this.#retry = setTimeout(() => this.#reads.request(), this.#isInDoubt ? RETRY_MS : 0).unref();
      this.#isInDoubt = true;
    }
  }

  #replace(next: Workspace): void {
    const last = this.#current;
    this.#take(next);
    this.#current = next;
    this.#loadedAt = Date.now() / 1000;
    this.#replaced.abort();
    this.#replaced = new AbortController();
    this.#options.report("the edited workspace is in use", "info");
    for (const warning of next.warnings) {
      if (!last.warnings.includes(warning)) this.#options.report(warning, "warn");
    }
    const isMoved = FOLDERS.some((key) => next.config[key] !== last.config[key]);
    if (!isMoved) return;
    this.#isStale = true;
    this.#reads.request();
  }

  #refuse(cause: unknown): void {
    if (!(cause instanceof ConfigError)) this.#options.onError(cause);
    const problem =
      cause instanceof ConfigError ? cause.message : "the workspace cannot be read; the server's log tells why";
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.report(`${problem} (the last good version stays in use)`, "warn");
  }
}
