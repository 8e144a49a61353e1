import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../ledger/random.ts";
import { type BadFile, badFiles, type Contents, type WorkspaceFile } from "./bad-workspace-cases.ts";

const PATHS = { config: "config.user.yaml", agent: "agents/pickle/AGENT.md", skill: "skills/greeting/SKILL.md" };
const AGENT_FRONT = "name: Pickle\nallow_skills: true\nmax_concurrency: 16";
const skillFront = (mark: string): string => `name: Greeting\ndescription: ${mark}`;

/** Writes the files of a workspace as editors do: over the old file, by a rename over it, or after removing it. */
export class WorkspaceEditor {
  /** Everything bad that can be put there. */
  readonly badFiles: readonly BadFile[];
  readonly #dir: string;
  readonly #config: { readonly llm: object };
  readonly #random: Random;
  readonly #odd = new Set<WorkspaceFile>(); // are no regular files now: not to be written to
  #version = 0;

  /** `config` is a good one but for `llm.model`. */
  constructor(dir: string, config: { readonly llm: object }, random: Random) {
    this.badFiles = badFiles(config, { agent: AGENT_FRONT, skill: skillFront("BAD") });
    this.#dir = dir;
    this.#config = config;
    this.#random = random;
  }

  /** Puts a good version there and returns its mark, which a request to the model then bears. */
  writeGood(file: WorkspaceFile): string {
    const mark = `good-${this.#version++}`;
    const { llm, ...rest } = this.#config;
    const texts: Record<WorkspaceFile, string> = {
      config: JSON.stringify({ ...rest, llm: { ...llm, model: mark } }),
      agent: `---\n${AGENT_FRONT}\n---\nprompt ${mark}\n`,
      skill: `---\n${skillFront(mark)}\n---\nGreet.\n`,
    };
    this.#put(file, texts[file]);
    return mark;
  }

  writeBad({ file, put }: BadFile): void {
    this.#put(file, put);
  }

  #put(file: WorkspaceFile, contents: Contents): void {
    const path = join(this.#dir, PATHS[file]);
    const saving = this.#random.pick(["in place", "by rename", "after removing"]);
    const isRegular = typeof contents === "string" || contents instanceof Uint8Array;
    mkdirSync(dirname(path), { recursive: true });
    if (!isRegular || saving === "after removing" || this.#odd.delete(file))
      rmSync(path, { recursive: true, force: true });
    if (!isRegular) {
      this.#odd.add(file);
      putOther(path, contents);
      return;
    }
    const target = saving === "by rename" ? join(this.#dir, ".draft") : path;
    writeFileSync(target, contents, { mode: 0o600 });
    if (target !== path) renameSync(target, path);
  }
}

/** What a request to the model says of each file's version. */
export function readMarks(model: string, systemPrompt: string): Record<WorkspaceFile, string> {
  return {
    config: model,
    agent: /prompt (\S+)/.exec(systemPrompt)?.[1] ?? systemPrompt,
    skill: /greeting: (.*)/.exec(systemPrompt)?.[1] ?? "no skill",
  };
}

function putOther(path: string, contents: Exclude<Contents, string | Uint8Array>): void {
  if (contents.kind === "folder") mkdirSync(path);
  if (contents.kind === "pipe") execFileSync("mkfifo", [path]);
  if (contents.kind === "link") symlinkSync(contents.to, path);
}
