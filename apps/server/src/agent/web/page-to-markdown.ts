import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { WebError } from "./web-error.ts";

const MAX_MEMORY_MB = 256;
const PAGE_WORKER = new URL(`./page-worker${extname(import.meta.url)}`, import.meta.url); // .ts, or .js once built

/** The readable part of a page as markdown, made in a thread of its own. Throws WebError, or what `signal` aborts with. */
export async function pageToMarkdown(html: string, signal: AbortSignal): Promise<string> {
  const worker = new Worker(PAGE_WORKER, {
    workerData: { html },
    resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB },
  });
  try {
    const [markdown] = await once(worker, "message", { signal });
    return String(markdown);
  } catch {
    signal.throwIfAborted();
    throw new WebError("could not be understood: its HTML is too deep or too large");
  } finally {
    await worker.terminate();
  }
}
