import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { Config } from "../src/workspace/config.ts";
import { loadConfig } from "../src/workspace/load-config.ts";
import { parseYamlMapping, YamlError } from "../src/workspace/yaml-mapping.ts";
import { exampleEnv, faultOf, load, userFault, wholeExample } from "./support/config-faults.ts";
import { temporaryFolder } from "./workspace-folder.ts";

const online = "llm: { provider: openai, model: some-model, api_key: sk-0123456789 }\n";

describe("files", () => {
  test("[CFG1] a missing section takes its defaults", async () => {
    const { config, isOffline, warnings } = await load({ "config.user.yaml": online });
    expect(config).toEqual({ ...Config.parse({}), llm: { ...Config.parse({}).llm, ...parse(online).llm } });
    expect(config.api).toMatchObject({ host: "127.0.0.1", port: 8000 });
    expect(isOffline).toBe(false);
    expect(warnings).toEqual([]);
  });

  test("[CFG1] a section without any values counts as absent", async () => {
    expect((await load({ "config.user.yaml": `${online}api:\nrouting:\n` })).config.api.port).toBe(8000);
  });

  test("[CFG11] everything is kept, unless events.keep limits it by days or megabytes", async () => {
    expect((await load({ "config.user.yaml": online })).config.events.keep).toEqual({});
    const { config } = await load({ "config.user.yaml": `${online}events: { keep: { days: 30, megabytes: 0.5 } }\n` });
    expect(config.events.keep).toEqual({ days: 30, megabytes: 0.5 });
    expect(await userFault(`${online}events: { keep: { days: 0 } }\n`)).toMatch(
      /config.user.yaml:2: events.keep.days: /,
    );
  });

  test("[TOOL3] bash asks unless the configuration says otherwise; allow is a warning", async () => {
    const bash = (text: string): string => `${online}tools: { bash: { ${text} } }\n`;
    const asked = await load({ "config.user.yaml": online });
    expect(asked.config.tools.bash).toEqual({
      rules: [],
      timeout_seconds: 120,
      env: [],
      max_processes: 512,
      max_memory_mb: 4096,
    });
    expect(asked.warnings).toEqual([]);
    const allowed = await load({ "config.user.yaml": bash("approval: allow, env: [EDITOR]") });
    expect(allowed.config.tools.bash).toMatchObject({ approval: "allow", env: ["EDITOR"] });
    expect(allowed.warnings).toEqual([
      "config.user.yaml:2: tools.bash.approval: the model may run any command as the user of this server",
    ]);
    for (const wrong of ["approval: yes", "approval: true", "approve: allow", "env: [A=B]", "timeout_seconds: 0"]) {
      expect(await userFault(bash(wrong))).toMatch(/^config.user.yaml:2: tools.bash/);
    }
  });

  test("[CFG2] without config.user.yaml the example is used, offline", async () => {
    const { config, isOffline } = await load({ "config.example.yaml": `${online}default_agent: cookie\n` });
    expect(config.llm).toMatchObject({ provider: "offline", model: "offline" });
    expect(config.llm.api_key).toBeUndefined();
    expect(config.default_agent).toBe("cookie");
    expect(isOffline).toBe(true);
  });

  test("[CFG2] provider offline in config.user.yaml needs no key", async () => {
    const { isOffline } = await load({ "config.user.yaml": "llm: { provider: offline }\n" });
    expect(isOffline).toBe(true);
  });

  test("[CFG2] a folder without either file is named", async () => {
    expect(await faultOf({ "notes.md": "" })).toMatch(
      /^config\.user\.yaml: not found in .*; is this a my-bot workspace\?$/,
    );
  });

  test("[CFG3] config.runtime.yaml is laid over it key by key; lists are replaced", async () => {
    const bindings = (agent: string): string => `routing: { bindings: [{ agent: ${agent}, value: x }] }\n`;
    const { config } = await load({
      "config.user.yaml": `${online}api: { port: 9000 }\n${bindings("pickle")}`,
      "config.runtime.yaml": `llm: { temperature: 1.5 }\n${bindings("cookie")}`,
    });
    expect(config.llm).toMatchObject({ model: "some-model", temperature: 1.5 });
    expect(config.api.port).toBe(9000);
    expect(config.routing.bindings).toEqual([{ agent: "cookie", value: "x" }]);
  });

  test("[CFG4] a fault names the file that set the key", async () => {
    const files = {
      "config.user.yaml": `${online}api: { port: 9000 }\n`,
      "config.runtime.yaml": "\n\nllm:\n  temperature: 9\n",
    };
    expect(await faultOf(files)).toMatch(
      /^config\.runtime\.yaml:4: llm\.temperature: Too big: .*; config\.example\.yaml shows/,
    );
    const other = {
      "config.user.yaml": `${online}api: { port: 99999 }\n`,
      "config.runtime.yaml": "llm:\n  temperature: 1\n",
    };
    expect(await faultOf(other)).toMatch(/^config\.user\.yaml:2: api\.port: Too big/);
  });

  test("[CFG1] the packaged example, uncommented, is valid and has every key", async () => {
    const { config } = await load({ "config.user.yaml": wholeExample() }, exampleEnv);
    const paths = (value: unknown, prefix = ""): string[] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([key, item]) => paths(item, `${prefix}${key}.`))
        : [prefix];
    const schema = z.toJSONSchema(Config, { unrepresentable: "any" });
    expect(Object.keys(config).sort()).toEqual(Object.keys(schema.properties ?? {}).sort());
    expect(paths(config)).toEqual(expect.arrayContaining(paths(Config.parse({}))));
    expect(paths(config)).toEqual(
      expect.arrayContaining(["llm.api_key.", "llm.api_base.", "llm.prices.cached_input.", "api.token."]),
    );
  });
});

describe("text that is refused before it is used", () => {
  const deep = (opener: string, count: number): string => `x: ${opener.repeat(count)}`;
  test.each([
    ["empty", "", /^config\.user\.yaml: is empty; fill it with: cp config\.example\.yaml config\.user\.yaml/],
    ["only comments", "# nothing\n\n  # here\n", /^config\.user\.yaml: is empty/],
    ["a scalar", "hello\n", /^config\.user\.yaml:1: must be a mapping/],
    ["a list", "- a\n- b\n", /^config\.user\.yaml:1: must be a mapping/],
    ["tabs", "llm:\n\tmodel: x\n", /^config\.user\.yaml:2: tabs cannot indent/],
    ["an unclosed quote", "llm:\n  model: 'x\n  api_key: secret\n", /^config\.user\.yaml:\d: .*not closed/],
    ["a key twice", "llm:\n  model: a\n  model: b\n", /^config\.user\.yaml:3: llm\.model: is there twice/],
    ["two documents", `${online}---\n${online}`, /^config\.user\.yaml:2: holds more than one document/],
    ["latin-1", Buffer.from("default_agent: käse\n", "latin1"), /^config\.user\.yaml: is not UTF-8/],
    ["NUL bytes", "a: \0\n", /^config\.user\.yaml: holds NUL bytes/],
    ["300 KB", `# ${"x".repeat(300 * 1024)}\n`, /^config\.user\.yaml: is too large \(\d+ bytes; at most 262144\)/],
    ["an alias bomb", `a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n`, /^config\.user\.yaml:2: b\.0: anchors and aliases/],
    ["a cycle", "a: &a [*a]\n", /^config\.user\.yaml:1: a\.0: anchors and aliases/],
    ["60 brackets", deep("[", 60), /^config\.user\.yaml:1: is nested too deeply/],
    ["100,000 brackets", deep("[", 100_000), /^config\.user\.yaml:1: is nested too deeply/],
    ["100,000 braces in disguise", deep("{ # }\n", 30_000), /is nested too deeply/],
    ["100,000 dashes", "- ".repeat(100_000), /^config\.user\.yaml:1: is nested too deeply/],
    ["60 indented levels", Array.from({ length: 60 }, (_, n) => `${" ".repeat(n)}a:`).join("\n"), /nested too deeply/],
    ["__proto__", "__proto__:\n  polluted: yes\n", /^config\.user\.yaml:1: __proto__: is not a known key/],
    [
      "a merge key",
      "x: &x { __proto__: { polluted: 1 } }\nllm:\n  <<: *x\n",
      /^config\.user\.yaml:1: x\.__proto__: is not a known key/,
    ],
    ["a tag", "llm: !!js/function 'x'\n", /^config\.user\.yaml:1: tags/],
  ])("[CFG5] %s", async (_, text, expected) => {
    expect(await userFault(text)).toMatch(expected);
    expect("polluted" in {}).toBe(false);
  });

  test("[CFG5] a byte order mark is accepted", async () => {
    expect((await load({ "config.user.yaml": `\uFEFF${online}` })).config.llm.model).toBe("some-model");
  });

  test("[CFG5] a folder and a pipe are refused at once", async () => {
    await using folder = await temporaryFolder({});
    await mkdir(join(folder.path, "config.user.yaml"));
    await expect(loadConfig(folder.path, { env: {} })).rejects.toThrow("config.user.yaml: is not a regular file");
    await using other = await temporaryFolder({});
    execFileSync("mkfifo", [join(other.path, "config.user.yaml")]);
    await expect(loadConfig(other.path, { env: {} })).rejects.toThrow("config.user.yaml: is not a regular file");
  });

  test("[CFG5] no text breaks the parser: a mapping or a YamlError", async () => {
    const piece = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      "a: ",
      "- ",
      "? ",
      "&x ",
      "*x",
      "!t ",
      "'",
      '"',
      "|",
      "#",
      "\n",
      "  ",
      "%",
      "\t",
      "1",
    );
    await fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          expect(parseYamlMapping(pieces.join("")).value).toBeTypeOf("object");
        } catch (cause) {
          expect(cause).toBeInstanceOf(YamlError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("[CFG5] ten times the keys take some ten times as long, not a hundred", () => {
    const best = (keys: number): number => {
      const text = Array.from({ length: keys }, (_, n) => `k${n}:`).join("\n");
      const times = Array.from({ length: 4 }, () => {
        const start = performance.now();
        parseYamlMapping(text);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    expect(best(20_000) / best(2000)).toBeLessThan(25);
  });
});
