/** What stands in a workspace that must not be used; `BAD` in it would show in a request to the model. */
export interface BadFile {
  readonly name: string;
  readonly file: WorkspaceFile;
  readonly put: Contents;
}

export const WORKSPACE_FILES = ["config", "agent", "skill"] as const;
export type WorkspaceFile = (typeof WORKSPACE_FILES)[number];

/** Text or bytes, or what stands in the file's place. */
export type Contents =
  | string
  | Uint8Array
  | { readonly kind: "nothing" | "folder" | "pipe" }
  | { readonly kind: "link"; readonly to: string };

const TEN_MB = Buffer.alloc(10 * 1024 * 1024, "BAD ");
const DEEP = "[".repeat(20_000);

/** `config` with `BAD` as its model, and something that no configuration may hold. */
function badConfigs(config: object): Record<string, Contents> {
  const bad = (change: object, model = "BAD"): string => {
    const { llm, ...rest } = { llm: {}, ...config };
    return JSON.stringify({ llm: { ...llm, model }, ...rest, ...change });
  };
  const text = bad({});
  return {
    gone: { kind: "nothing" },
    empty: "",
    "only comments": "# BAD\n",
    "a scalar": "BAD\n",
    "a list": `[${text}]`,
    "a folder": { kind: "folder" },
    "a tab": "llm:\n\tmodel: BAD\n",
    "an unclosed quote": `${text.slice(0, -1)}, "BAD`,
    "a key twice": `${text.slice(0, -1)}, "default_agent": "pickle", "default_agent": "pickle"}`,
    "two documents": `${text}\n---\n${text}\n`,
    "latin-1": Buffer.from(`# \xe9\n${text}`, "latin1"),
    "NUL bytes": `${text}\0`,
    "many aliases": `a: &a [BAD]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]\n`,
    "a cycle": "llm: &a { model: *a }\n",
    deep: `llm: ${DEEP}`,
    "10 MB": TEN_MB,
    "a prototype": `${text.slice(0, -1)}, "__proto__": { "polluted": true }}`,
    "a port that is text": bad({ api: { port: "8000" } }),
    "a port that is too large": bad({ api: { port: 99_999 } }),
    "a negative port": bad({ api: { port: -1 } }),
    "open to others": bad({ api: { host: "0.0.0.0" } }),
    "an empty token": bad({ api: { token: "" } }),
    "a sample token": bad({ api: { token: "changeme" } }),
    "a bad address": bad({ llm: { provider: "openai", model: "BAD", api_base: "ftp://x" } }),
    "an unknown key": bad({ lmm: {} }),
    "a path outside": bad({ logging_path: "../elsewhere" }),
    "an absolute path": bad({ event_path: "/tmp/elsewhere" }),
    "an unset variable": bad({}, `BAD \${MY_BOT_CONFORMANCE_IS_NOT_SET}`),
    "no such agent": bad({ default_agent: "nobody" }),
    "cut short": text.slice(0, text.length / 2),
    "a link to itself": { kind: "link", to: "config.user.yaml" },
    "a pipe": { kind: "pipe" },
  };
}

/** Faults of a Markdown file with front matter, which begins with `front`. */
function badDefinitions(front: string): Record<string, Contents> {
  return {
    gone: { kind: "nothing" },
    empty: "",
    "no front matter": "BAD\n",
    "front matter that is not closed": `---\n${front}\nBAD\n`,
    "a list": `---\n- BAD\n---\nBAD\n`,
    "no name": `---\n${front.replace(/^name: .*$/m, "")}\n---\nBAD\n`,
    "a name with ..": `---\n${front.replace(/^name: .*$/m, "name: ../BAD")}\n---\nBAD\n`,
    "a long name": `---\n${front.replace(/^name: .*$/m, `name: ${"BAD".repeat(100)}`)}\n---\nBAD\n`,
    "10 MB": TEN_MB,
    "NUL bytes": `---\n${front}\n---\nBAD\0\n`,
    "not UTF-8": Buffer.from(`---\n${front}\n---\nBAD \xe9\n`, "latin1"),
    "a link out": { kind: "link", to: "/etc/passwd" },
    "a link to a device": { kind: "link", to: "/dev/zero" },
    "a folder": { kind: "folder" },
    "a pipe": { kind: "pipe" },
    deep: `---\n${front}\nx: ${DEEP}\n---\nBAD\n`,
  };
}

/** Every way in which one of the files can be bad; `config` is a good one, the fronts are good front matter. */
export function badFiles(config: object, fronts: { readonly agent: string; readonly skill: string }): BadFile[] {
  const tables: Record<WorkspaceFile, Record<string, Contents>> = {
    config: badConfigs(config),
    agent: badDefinitions(fronts.agent),
    skill: badDefinitions(fronts.skill),
  };
  return WORKSPACE_FILES.flatMap((file) => Object.entries(tables[file]).map(([name, put]) => ({ name, file, put })));
}
