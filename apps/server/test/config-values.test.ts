import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { routeSource } from "../src/agent/routing.ts";
import { loadConfig } from "../src/workspace/load-config.ts";
import { exampleEnv, load, userFault, wholeExample } from "./support/config-faults.ts";
import { temporaryFolder } from "./workspace-folder.ts";

const online = "llm: { provider: openai, model: some-model, api_key: sk-0123456789 }\n";

type Place = readonly (string | number)[];

/** Where all values stand, such as `api.limits.frame_bytes`. */
function leavesOf(value: unknown, place: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [place];
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [...keys].flatMap((key) => leavesOf(Reflect.get(value, key), [...place, key]));
}

function withValue(whole: unknown, place: Place, value: unknown): unknown {
  const copy: unknown = structuredClone(whole);
  let holder = copy;
  for (const key of place.slice(0, -1)) holder = Reflect.get(Object(holder), key);
  Reflect.set(Object(holder), place.at(-1) ?? "", value);
  return copy;
}

describe("values", () => {
  test.each([
    ['api: { port: "8000" }', "api.port"],
    ["api: { port: 65536 }", "api.port"],
    ["api: { port: -1 }", "api.port"],
    ["api: { port: 99999999999999999999 }", "api.port"],
    ["api: { token: short }", "api.token"],
    ["llm: { api_base: ftp://x, model: m }", "llm.api_base"],
    ["llm: { api_base: 'http://[', model: m }", "llm.api_base"],
    ["llm: { temperature: .nan }", "llm.temperature"],
    ["logging_path: /var/log", "logging_path"],
    ["event_path: a/../../b", "event_path"],
    ["routing: { bindings: [{ agent: pickle, value: '(' }] }", "routing.bindings.0.value"],
    ["llm: { temprature: 1 }", "llm.temprature"],
    ["flavour: salmon", "flavour"],
  ])("[CFG4] %s", async (text, key) => {
    expect(await userFault(`# first line\n${text}\n`)).toMatch(new RegExp(`^config\\.user\\.yaml:2: ${key}: .+; `));
  });

  test("[CFG4] a message never repeats a secret", async () => {
    const broken = "llm:\n  api_key: sk-planted-secret\n  model: 'x' sk-planted-secret\n";
    expect(await userFault(broken)).not.toContain("planted");
    expect(await userFault("llm: { api_key: sk-planted-secret, api_base: sk-planted-secret }\n")).not.toContain(
      "planted",
    );
  });

  test("[CFG6] a variable takes the environment's value; an unset one is named", async () => {
    const text = `llm:\n  model: m\n  api_key: \${MY_KEY}-\${PART}\n`;
    const { config } = await load({ "config.user.yaml": text }, { MY_KEY: "sk-1", PART: "2" });
    expect(config.llm.api_key).toBe("sk-1-2");
    expect(await userFault(text, { MY_KEY: "sk-1" })).toMatch(
      /^config\.user\.yaml:3: llm\.api_key: the environment variable PART is not set/,
    );
  });

  test("[CFG6] [CFG4] an unset variable is named with its place, whichever of all values it stands for", async () => {
    const whole: unknown = parse(wholeExample());
    const places = leavesOf(whole);
    expect(places.length).toBeGreaterThan(70);
    for (const place of places) {
      const text = stringify(withValue(whole, place, "a $" + "{UNSET_ONE} b"));
      const fault = await userFault(text, exampleEnv);
      expect(fault.replace(/:\d+:/, ":N:")).toBe(
        `config.user.yaml:N: ${place.join(".")}: the environment variable UNSET_ONE is not set; set it, or write the value here`,
      );
    }
  });

  test.each(["''", "undefined", "changeme", "sk-your-key-here", "<key>", "YOUR_API_KEY", "xxxx"])(
    "[CFG7] the placeholder key %s is not sent anywhere",
    async (key) => {
      expect(await userFault(`llm:\n  model: m\n  api_key: ${key}\n`)).toMatch(
        /^config\.user\.yaml:3: llm\.api_key: is still a placeholder; write your key/,
      );
    },
  );

  test("[CFG7] a key is needed unless the address says where else to ask", async () => {
    expect(await userFault("llm: { model: m }\n")).toMatch(/^config\.user\.yaml:1: llm\.api_key: is missing/);
    expect(await userFault("llm: { provider: other, model: m, api_key: k-1 }\n")).toMatch(/llm\.api_base: is missing/);
    expect(await userFault("llm: { api_key: k-1 }\n")).toMatch(/llm\.model: is missing/);
    const local = "llm: { provider: ollama, model: m, api_base: 'http://localhost:11434/v1' }\n";
    expect((await load({ "config.user.yaml": local })).isOffline).toBe(false);
  });

  test("[CFG13] prices are in one currency, which may come from the environment", async () => {
    const llm = (own: string, spare: string): string =>
      `llm:\n  model: m\n  api_key: sk-1\n  prices: ${own}\n  fallbacks: [{ model: x, api_key: k, prices: ${spare} }]\n`;
    const usd = "{ input: 1, output: 2 }";
    const { config } = await load(
      { "config.user.yaml": llm(usd, `{ input: 0, output: 0, currency: '\${C}' }`) },
      { C: "USD" },
    );
    expect(config.llm.prices).toEqual({ input: 1, output: 2, currency: "USD" });
    expect(await userFault(llm(usd, "{ input: 1, output: 2, currency: EUR }"))).toMatch(
      /llm\.fallbacks\.0\.prices\.currency: is EUR, but other prices are in USD; use one currency/,
    );
    expect(await userFault(llm("{ input: -1, output: 2 }", usd))).toMatch(/llm\.prices\.input: Too small/);
    expect(await userFault(llm("{ input: 1, output: 2, currency: euro }", usd))).toMatch(/code of three letters/);
  });

  test("[CFG12] [CFG6] each fallback is a whole model of its own, with values from the environment", async () => {
    const llm = (fallbacks: string): string => `llm:\n  model: m\n  api_key: sk-1\n  fallbacks:\n${fallbacks}`;
    const base = "http://localhost:1/v1";
    const { config } = await load(
      { "config.user.yaml": llm(`    - { provider: '\${P}', model: '\${M}', api_key: '\${K}', api_base: '\${B}' }\n`) },
      { P: "local", M: "small", K: "sk-2", B: base },
    );
    expect(config.llm.fallbacks).toMatchObject([
      { provider: "local", model: "small", api_key: "sk-2", api_base: base, temperature: 0.7, max_tokens: 2048 },
    ]);
    expect(await userFault(llm("    - model: x\n"))).toMatch(/:4: llm\.fallbacks\.0\.api_key: is missing/);
    expect(await userFault(llm("    - { model: x, api_key: k }\n    - { api_key: k }\n"))).toMatch(
      /:4: llm\.fallbacks\.1\.model: is missing/,
    );
    expect(await userFault(llm("    - { model: x, api_key: k, fallbacks: [] }\n"))).toMatch(
      /:5: llm\.fallbacks\.0\.fallbacks: is not a known key/,
    );
    expect(await userFault(llm("    - { model: x, api_key: k }\n".repeat(6)))).toMatch(/llm\.fallbacks: Too big/);
  });

  test("[CFG8] an address that others can reach needs a token", async () => {
    const open = `${online}api:\n  host: 0.0.0.0\n`;
    expect(await userFault(open)).toMatch(
      /^config\.user\.yaml:3: api\.host: 0\.0\.0\.0 can be reached from other machines/,
    );
    expect(await userFault(`${open}  token: put-your-own-text-here-please\n`)).toMatch(
      /:4: api\.token: is a placeholder/,
    );
    const { config } = await load({ "config.user.yaml": `${open}  token: f2c1d5b7a9e84c06b3d1f5a7\n` });
    expect(config.api.host).toBe("0.0.0.0");
  });

  const header = "mcp: { servers: { a: { url: http://localhost, headers: { Authorization: Bearer-f2c1 } } } }\n";
  test.each([
    ["0600", online],
    ["0644", online],
    ["0644", `llm: { provider: offline }\n${header}`],
  ])("[CFG10] mode %s of a file with a key", async (mode, text) => {
    await using folder = await temporaryFolder({ "config.user.yaml": text });
    await chmod(join(folder.path, "config.user.yaml"), Number.parseInt(mode, 8));
    const { warnings } = await loadConfig(folder.path, { env: {} });
    const expected =
      "config.user.yaml: holds a secret and other users can read it (mode 644); run: chmod 600 config.user.yaml";
    expect(warnings).toEqual(mode === "0644" ? [expected] : []);
  });
});

describe("routing", () => {
  const bindings = [
    { agent: "any", value: ".*" },
    { agent: "pattern", value: "platform-ws:(test|toast)" },
    { agent: "literal", value: "platform-ws:test" },
    { agent: "dotted", value: "platform-ws:a.b" },
  ];
  test.each([
    ["platform-ws:test", "literal"],
    ["platform-ws:toast", "pattern"],
    ["platform-ws:a.b", "dotted"],
    ["platform-ws:test2", "any"],
  ])("[CFG9] %s goes to %s", (source, agent) => {
    expect(routeSource(bindings, source, "pickle")).toBe(agent);
  });

  test("[CFG9] a pattern must match the whole source; else the default agent answers", () => {
    expect(routeSource([{ agent: "x", value: "ws:test|platform" }], "platform-ws:test", "pickle")).toBe("pickle");
    expect(routeSource([], "cron:daily", "pickle")).toBe("pickle");
  });
});
