import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import type { Environment } from "./load-config.ts";
import { findSkipped } from "./load-definitions.ts";
import { isMapping, type Mapping } from "./merge.ts";
import { openWorkspace, type Workspace } from "./open-workspace.ts";

/**
 * Reads the workspace again for a server that runs on `current`. Throws ConfigError when `current` has to stay: beside
 * the faults that refuse a start these are faults of what is in use now (SPEC WSP8). What is bound at the start stays
 * as it is, with a warning (SPEC WSP9).
 */
export async function reopenWorkspace(current: Workspace, options: { env: Environment }): Promise<Workspace> {
  const next = await openWorkspace(current.dir, { ...options, needsUserConfig: current.hasUserConfig });
  requireSound(next.config.agents_path, { used: current.agents, next: next.agents, warnings: next.warnings });
  requireSound(next.config.skills_path, { used: current.skills, next: next.skills, warnings: next.warnings });
  requireSound(next.config.crons_path, { used: current.crons, next: next.crons, warnings: next.warnings });
  for (const file of current.promptFiles.keys()) requirePromptFile(file, next);
  const config = keepBound(current.config, next.config);
  const warnings = findDifferences(next.config, config).map(
    (key) => `config.user.yaml: ${key}: was changed; this takes effect after a restart`,
  );
  return { ...next, config, warnings: [...next.warnings, ...warnings] };
}

interface Definitions {
  readonly used: ReadonlyMap<string, unknown>;
  readonly next: ReadonlyMap<string, unknown>;
  readonly warnings: readonly string[];
}

/** An item that is in use may be gone with its folder, but not be skipped for a fault. */
function requireSound(folder: string, { used, next, warnings }: Definitions): void {
  for (const id of used.keys()) {
    const skipped = next.has(id) ? undefined : findSkipped(warnings, `${folder}/${id}`);
    if (skipped === undefined) continue;
    const [place = "", reason = ""] = skipped.split(/: skipped: (.*)/s);
    throw new ConfigError({ file: place }, `${reason}; mend it, or remove the folder ${folder}/${id}`);
  }
}

/** A file that is in use may be gone, but not be skipped for a fault. */
function requirePromptFile(file: string, { promptFiles, warnings }: Workspace): void {
  const skipped = promptFiles.has(file) ? undefined : findSkipped(warnings, file);
  if (skipped === undefined) return;
  throw new ConfigError({ file }, `${skipped.split(": skipped: ")[1] ?? skipped}; mend it, or remove it`);
}

/** The files and the port that are open, and what connections were promised, are those of the start. */
function keepBound(bound: Config, next: Config): Config {
  const { event_path, logging_path } = bound;
  const { token: _, ...api } = bound.api;
  const { content_bytes, queued_messages } = next.api.limits;
  const limits = { ...api.limits, content_bytes, queued_messages }; // asked for at each message
  return { ...next, event_path, logging_path, api: { ...next.api, ...api, limits } };
}

/** The keys, such as `api.port`, whose values are not the same. */
function findDifferences(a: Mapping, b: Mapping, path: readonly string[] = []): string[] {
  return Object.keys({ ...a, ...b }).flatMap((key) => {
    const [left, right] = [a[key], b[key]];
    if (isMapping(left) && isMapping(right)) return findDifferences(left, right, [...path, key]);
    return isDeepStrictEqual(left, right) ? [] : [[...path, key].join(".")];
  });
}
