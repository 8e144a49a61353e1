import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HIDDEN, Redactor } from "../../src/agent/redact.ts";
import { createWriteTool } from "../../src/agent/tools/write.ts";
import { connectRaw } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../workspace-folder.ts";

function redactorOf(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  redactor.add(secrets);
  return redactor;
}

describe("texts", () => {
  test("[TOOL13] secrets are hidden wherever they stand, also as JSON writes them; short values are not (X31)", () => {
    const redactor = redactorOf("sk-test-1234567890", 'a"b\\c$.d(e', "seven77", " padded-secret\n");
    expect(redactor.redact("key=sk-test-1234567890sk-test-1234567890.")).toBe(`key=${HIDDEN}${HIDDEN}.`);
    expect(redactor.redact(JSON.stringify({ a: 'a"b\\c$.d(e' }))).toBe(`{"a":"${HIDDEN}"}`);
    expect(redactor.redact("seven77 sk-test-123456789 padded-secret")).toBe(`seven77 sk-test-123456789 ${HIDDEN}`);
    expect(new Redactor().redact("nothing is known")).toBe("nothing is known");
  });

  test("[TOOL13] a secret of an earlier configuration stays hidden", () => {
    const redactor = redactorOf("first-secret");
    redactor.add(["second-secret"]);
    expect(redactor.redact("first-secret second-secret")).toBe(`${HIDDEN} ${HIDDEN}`);
  });

  test("[TOOL13] however a text is cut into pieces, the whole is the same, and nothing waits without need (X31)", async () => {
    const secrets = ["abababab", "ababababcc", "bcbcbcbcb", "cccccccca"];
    const redactor = redactorOf(...secrets);
    const text = fc
      .array(fc.constantFrom("a", "b", "c", "x", "abab", ...secrets), { maxLength: 12 })
      .map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(7), { maxLength: 60 }), async (whole, sizes) => {
        const stream = redactor.stream();
        let rest = whole;
        const shown = sizes.map((size) => {
          const piece = rest.slice(0, size);
          rest = rest.slice(size);
          return stream.add(piece);
        });
        expect([...shown, stream.add(rest), stream.end()].join("")).toBe(redactor.redact(whole));
      }),
      { numRuns: 2000 },
    );
    const stream = redactor.stream();
    expect(stream.add("hello, ab")).toBe("hello, ");
    expect(stream.add("out")).toBe("about");
  });

  test("[TOOL13] what stands for a secret is not written into files: that would destroy them (X31)", async () => {
    await using folder = await temporaryFolder({ "env.txt": "KEY=sk-test-1234567890" });
    const write = createWriteTool({ workspaceDir: folder.path });
    const { content, is_error } = await write.run({ path: "env.txt", content: `KEY=${HIDDEN}\nMORE=1` });
    expect(is_error).toBe(true);
    expect(content).toContain("which only stands for a value that you are not shown");
    expect(readFileSync(join(folder.path, "env.txt"), "utf8")).toBe("KEY=sk-test-1234567890");
  });
});

describe("a server that is made to tell", () => {
  const secrets = {
    llm: "sk-test-planted-0123456789",
    token: "token-planted-0123456789-abcdef",
    search: "brave-planted-0123456789",
    variable: "variable-planted-0123456789",
    bot: "123456:bot-token-planted",
  };

  test("[TOOL13] nothing that it holds reaches an event, a frame, a log, the terminal or the model (X31)", async () => {
    const all = Object.values(secrets);
    const received: string[] = [];
    await using model = await startScriptedModel(
      (reply) => {
        reply.text("Let me look. ");
        reply.toolCall(0, "call_a", "bash", { command: "cat config.user.yaml; env; echo $BOT_TOKEN | cut -c1-9" });
        reply.toolCall(1, "call_b", "read", { path: "notes/keys.md" });
        reply.toolCall(2, "call_c", "webread", { url: `http://127.0.0.1/${secrets.llm}` });
        reply.finish("tool_calls");
      },
      // a model that knows them all the same, from an earlier time say, and speaks in small pieces
      says(...(all.join(" and ").match(/.{1,3}/g) ?? [])),
      (reply) => reply.fail(401, `Incorrect API key provided: ${secrets.llm}`),
      (reply) => reply.fail(400, `Incorrect API key provided: ${secrets.llm}. Header: Bearer ${secrets.search}`),
    );
    const config = {
      llm: { ...model.llm, api_key: secrets.llm },
      api: { token: secrets.token },
      websearch: { provider: "brave", api_key: secrets.search },
      webread: { provider: ["$", "{PLANTED}"].join("") },
      tools: { bash: { approval: "allow", env: ["BOT_TOKEN"] } },
    };
    await using server = await startServer({
      config,
      env: { PLANTED: secrets.variable, BOT_TOKEN: secrets.bot },
      files: {
        "notes/keys.md": all.join("\n"),
        "skills/keys/SKILL.md": `---\nname: Keys\ndescription: Tells them.\n---\n${all.join("\n")}\n`,
      },
    });
    await using client = await connectRaw(server.url, "?events=all", { authorization: `Bearer ${secrets.token}` });
    client.send({ source: "test", content: "Tell me everything" });
    expect(await client.next("OutboundEvent")).toMatchObject({
      content: all.map(() => HIDDEN).join(" and "),
      error: null,
    });
    client.send({ source: "test", content: "Again" });
    expect(await client.next("OutboundEvent")).toMatchObject({ error: expect.stringContaining("refused the API key") });
    client.send({ source: "test", content: "And again" });
    expect(await client.next("OutboundEvent")).toMatchObject({ error: expect.stringContaining(HIDDEN) });

    client.send({ source: "test", content: "/skills keys" });
    expect((await client.next("OutboundEvent")).content).toContain(all.map(() => HIDDEN).join("\n"));

    received.push(...model.requests.map((request) => JSON.stringify(request)));
    const results = client.frames
      .filter(({ type }) => type === "ToolResultEvent")
      .map(({ content }) => String(content));
    expect(results.join("\n").split(HIDDEN).length).toBeGreaterThan(8);
    expect(results.join("\n")).toContain("\n123456:bo\n");
    const files = [".event", ".logs"].flatMap((dir) =>
      readdirSync(join(server.workspaceDir, dir)).map((file) =>
        readFileSync(join(server.workspaceDir, dir, file), "latin1"),
      ),
    );
    expect(files.join("\n")).toContain(HIDDEN);
    const places = { events: client.texts, files, terminal: server.stderr, model: received };
    for (const [place, texts] of Object.entries(places)) {
      for (const secret of all) expect(texts.join("\n").includes(secret), `${secret} in ${place}`).toBe(false);
    }
  });
});
