import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { MessageQueue } from "../support/message-queue.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";

/** The real wscat: lines in, lines out. Outside a terminal it does not say when it is connected, and drops what is typed before. */
async function startWscat(url: string) {
  const bin = createRequire(import.meta.url).resolve("wscat/bin/wscat");
  const child = spawn(process.execPath, [bin, "-c", url], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = new MessageQueue<string>();
  createInterface(child.stdout).on("line", (line) => lines.push(line.replace(/^(> )+/, "")));
  const knocking = setInterval(() => child.stdin.write("hello\n"), 200);
  const knocked = await lines.next("the answer to a knock");
  clearInterval(knocking);
  return {
    knocked,
    type: (line: string) => child.stdin.write(`${line}\n`),
    next: () => lines.next("an event", (line) => line.includes("bound")),
    nextError: () => lines.next("an error", (line) => line.includes("error")),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

test("[WS1] [WS3] [WS5] the session that a wscat user sees", async () => {
  await using model = await startScriptedModel(says("Meow. ", "How can I help?"));
  await using server = await startServer({ config: { llm: model.llm } });
  using wscat = await startWscat(`${server.url.replace("http", "ws").replace("127.0.0.1", "localhost")}/ws`);
  const session = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
  const refusal = { type: "error", message: expect.stringMatching(/^Validation error: /) };
  expect(JSON.parse(wscat.knocked)).toEqual(refusal); // not JSON, and the socket stays open
  wscat.type(`{"source": "test", "content": "Hello, Pickle!"}`);
  const inbound = await wscat.next();
  const outbound = await wscat.next();
  expect(inbound).toMatch(
    new RegExp(
      `^{"type":"InboundEvent","session_id":"${session}","source":"platform-ws:test","content":"Hello, Pickle!","timestamp":[0-9.]+,"retry_count":0}$`,
    ),
  );
  expect(outbound).toMatch(
    new RegExp(
      `^{"type":"OutboundEvent","session_id":"${session}","source":"agent:pickle","content":"Meow. How can I help\\?","timestamp":[0-9.]+,"error":null}$`,
    ),
  );
  wscat.type("hello again");
  expect(JSON.parse(await wscat.nextError())).toEqual(refusal);
  wscat.type(`{"source": "test", "content": "Once more"}`);
  expect(JSON.parse(await wscat.next()).session_id).toBe(JSON.parse(inbound).session_id);
});
