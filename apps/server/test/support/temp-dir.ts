import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TempDir extends Disposable {
  readonly path: string;
}

/** An empty folder, gone at the end of the scope. */
export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "my-bot-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
