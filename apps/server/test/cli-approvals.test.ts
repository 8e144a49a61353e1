import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { myBot } from "./support/my-bot-command.ts";
import { connectRaw } from "./support/raw-client.ts";
import { callsTool, says, startScriptedModel } from "./support/scripted-model.ts";
import { type ServerProcess, startServer } from "./support/server-process.ts";

const bash = callsTool("bash", { command: "echo ran >> effects; printf '\u001b[2J'" });

function effects({ workspaceDir }: ServerProcess): string {
  const file = join(workspaceDir, "effects");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

test("[CLI12] chat shows what is asked, without what could steer the terminal, and takes y, n and a", async () => {
  await using model = await startScriptedModel(
    bash,
    says("One."),
    bash,
    says("Two."),
    bash,
    says("3."),
    bash,
    says("4."),
  );
  await using server = await startServer({ config: { llm: model.llm } });
  const input = "one\nn\ntwo\nwhat?\ny\nthree\na\nfour\n";
  const { code, stdout, stderr } = await myBot(["chat", "--url", server.url], { input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain('bash {"command":"echo ran >> effects; printf \'\\u001b[2J\'"}');
  expect(stdout).not.toContain("\u001b[2J");
  expect(stdout).toMatch(/\n {2}in .*\n {2}with .*PATH/);
  expect(stdout.match(/Allow\? y\(es\), n\(o\), a\(lways in this session\) > /g)).toHaveLength(4); // one of them asked again
  expect(stdout).toMatch(/One\.[\s\S]*Two\.[\s\S]*3\.[\s\S]*4\./);
  expect(effects(server)).toBe("ran\nran\nran\n");
  expect(model.requests[1]?.messages.at(-1)?.content).toMatch(/^Not done: the user denied/);
});

test("[CLI12] what is answered elsewhere ends the question, and input that has ended does not answer it", async () => {
  await using model = await startScriptedModel(bash, says("Done."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using witness = await connectRaw(server.url, "?events=all");
  const chat = myBot(["chat", "--url", server.url], { input: "one\n" });
  const { approval_id } = await witness.next("ApprovalRequestedEvent");
  witness.send({ type: "approve", approval_id, decision: "allow" });
  const { stdout } = await chat;
  expect(stdout).toMatch(/Done\.\n/);
  expect(effects(server)).toBe("ran\n");
});

test("[CLI12] [APR10] send names the command that answers; approvals lists, approve allows and denies", async () => {
  await using model = await startScriptedModel(bash, says("Done."));
  await using server = await startServer({ config: { llm: model.llm } });
  await using witness = await connectRaw(server.url, "?events=all");
  const url = ["--url", server.url];
  const sending = myBot(["send", "Do it", ...url]);
  const { approval_id } = await witness.next("ApprovalRequestedEvent");
  const id = String(approval_id);
  expect((await myBot(["approvals", ...url])).stdout).toMatch(new RegExp(`^${id}\n {2}bash \\{"command"`));
  expect(await myBot(["approve", id, "--session", "--source", "desk", ...url])).toMatchObject({
    code: 0,
    stdout: "allowed\n",
  });
  const resolved = await witness.next("ApprovalResolvedEvent");
  expect(resolved).toMatchObject({ decision: "allow", scope: "session", by: "platform-ws:desk" });
  const sent = await sending;
  expect(sent).toMatchObject({ code: 0, stdout: "Done.\n" });
  expect(sent.stderr).toContain(`my-bot approve ${id}`);
  expect(await myBot(["approve", id, "--deny", ...url])).toMatchObject({
    code: 1,
    stderr: "my-bot: Already allowed by platform-ws:desk\n",
  });
  expect((await myBot(["approvals", ...url])).stdout).toBe("");
});
