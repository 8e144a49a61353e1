import { describe, expect, test } from "vitest";
import { createWebsearchTool } from "../../src/agent/tools/websearch.ts";
import { loadConfig } from "../../src/workspace/load-config.ts";
import { WebsearchConfig } from "../../src/workspace/web-config.ts";
import { connectRaw } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { startWebSite } from "../support/web-site.ts";
import { temporaryFolder } from "../workspace-folder.ts";

const never = new AbortController().signal;
const KEY = "brave-key-0123456789";

function websearch(config: object, query = "sardines") {
  return createWebsearchTool({ config: WebsearchConfig.parse(config) }).run({ query }, never);
}

const hits = Array.from({ length: 15 }, (_, n) => ({ title: `Hit ${n}`, url: `https://example.com/${n}` }));

describe("providers", () => {
  test("[TOOL12] brave: ten results, the key in a header", async () => {
    let key: unknown;
    await using site = await startWebSite((request, response) => {
      key = request.headers["x-subscription-token"];
      const results = hits.map((hit, n) => ({ ...hit, description: n === 0 ? null : `About\n ${n}` }));
      response.end(JSON.stringify({ web: { results } }));
    });
    const { content, is_error } = await websearch({ provider: "brave", api_key: KEY, api_base: site.url }, "a & b");
    expect(is_error).toBe(false);
    expect(content.split("\n\n")).toHaveLength(10);
    expect(content).toMatch(/^1\. Hit 0\n {3}https:\/\/example\.com\/0\n\n2\. Hit 1\n {3}https:.*\n {3}About 1\n\n/);
    expect(key).toBe(KEY);
    expect(site.requests).toEqual(["/res/v1/web/search?q=a+%26+b&count=10&text_decorations=false"]);
  });

  test("[TOOL12] searxng, which may be on this machine: its owner chose the address", async () => {
    await using site = await startWebSite((_, response) =>
      response.end(
        JSON.stringify({ results: hits.map((hit) => ({ ...hit, content: "x".repeat(2000), engine: "e" })) }),
      ),
    );
    const { content } = await websearch({ provider: "searxng", api_base: `${site.url}/sub/` });
    expect(content.split("\n\n")).toHaveLength(10);
    expect(content.length).toBeLessThan(6000);
    expect(site.requests).toEqual(["/sub/search?q=sardines&format=json"]);
  });

  test.each([
    ["/401", /status 401; the owner of this bot should check the websearch section\.$/],
    ["/429", /status 429; wait before the next search\.$/],
    ["/500", /status 500; try again later\.$/],
    ["/html", /was answered with something else\.$/],
    ["/shape", /was answered with something else\.$/],
    ["/flood", /was answered with more than 2097152 bytes\.$/],
    ["/elsewhere", /the provider of websearch cannot be reached\.$/],
    ["/none", /^Nothing was found\.$/],
  ])("[TOOL12] %s is a sentence without the key", async (base, expected) => {
    const bodies: Record<string, string> = {
      none: '{"results":[]}',
      shape: '{"results":"none"}',
      flood: "x".repeat(3e6),
    };
    await using site = await startWebSite(({ url = "" }, response) => {
      const [, word = ""] = url.split("/");
      if (word === "elsewhere") response.writeHead(302, { Location: "/none/search" });
      if (Number(word) > 0) response.writeHead(Number(word));
      response.end(bodies[word] ?? `<html>${KEY}</html>`);
    });
    const { content } = await websearch({ provider: "searxng", api_key: KEY, api_base: site.url + base });
    expect(content).toMatch(expected);
    expect(content).not.toContain(KEY);
  });
});

describe("configuration", () => {
  const faultOf = async (websearch: string): Promise<string> => {
    await using folder = await temporaryFolder({ "config.user.yaml": `llm: { provider: offline }\n${websearch}\n` });
    return await loadConfig(folder.path, { env: {} }).then(
      () => "none",
      (cause: unknown) => String(cause),
    );
  };

  test("[TOOL12] what is missing or wrong is named", async () => {
    expect(await faultOf("websearch: { provider: brave }")).toMatch(/:2: websearch\.api_key: is missing/);
    expect(await faultOf("websearch: { provider: searxng }")).toMatch(/:2: websearch\.api_base: is missing/);
    expect(await faultOf("websearch: { provider: bing }")).toMatch(/:2: websearch\.provider: /);
    expect(await faultOf("websearch: { provider: searxng, api_base: 'ftp://x' }")).toMatch(/websearch\.api_base: /);
    expect(await faultOf("webread: { provider: crawl4ai }")).toBe("none");
  });

  test("[TOOL12] [TOOL10] the model has websearch only where it is configured, and reads no page of this machine", async () => {
    await using site = await startWebSite((_, response) => response.end('{"results":[]}'));
    for (const websearch of [undefined, { provider: "searxng", api_base: site.url }]) {
      await using model = await startScriptedModel((reply) => {
        reply.toolCall(0, "call_a", "websearch", { query: "sardines" });
        reply.toolCall(1, "call_b", "webread", { url: `${site.url}/secret` });
        reply.finish("tool_calls");
      }, says("Done."));
      await using server = await startServer({ config: { llm: model.llm, ...(websearch && { websearch }) } });
      await using client = await connectRaw(server.url, "?events=all");
      client.send({ source: "test", content: "Look it up" });
      await client.next("OutboundEvent");
      const names = model.requests[0]?.tools?.map((tool) => tool.function.name);
      expect(names?.includes("websearch")).toBe(websearch !== undefined);
      const results = client.frames.filter(({ type }) => type === "ToolResultEvent");
      expect(results.find(({ name }) => name === "webread")).toMatchObject({
        is_error: true,
        content: expect.stringMatching(/it is a private address\.$/),
      });
    }
    expect(site.requests).toEqual(["/search?q=sardines&format=json"]);
  });
});
