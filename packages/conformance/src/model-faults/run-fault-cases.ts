import { answerTo } from "../model/scripted-model.ts";
import { answered, type FaultTimes, failed, hang, isEmpty, type ModelFaultCase, playWell } from "./model-fault-case.ts";

/** L14. */
export function toolCases(): ModelFaultCase[] {
  const calls =
    (count: number, name: string, args: string): ModelFaultCase["play"] =>
    (reply, asked) => {
      if (asked.messages.at(-1)?.role === "tool") return playWell(reply, asked);
      for (let index = 0; index < count; index++) reply.toolCall(index, name, args);
      reply.finish("tool_calls");
    };
  const notes = JSON.stringify({ path: "notes.md" });
  const oneError = answered(2, { toolResults: { all: 1, failed: 1 } });
  return [
    { name: "L14-broken-json", agent: "pickle", play: calls(1, "read", '{"path":'), expected: oneError },
    { name: "L14-unknown-tool", agent: "pickle", play: calls(1, "no_such_tool", "{}"), expected: oneError },
    {
      name: "L14-50-calls",
      agent: "pickle",
      play: calls(50, "read", notes),
      expected: answered(2, { toolResults: { all: 50, failed: 0 }, withinMs: 10_000 }),
    },
    {
      name: "L14-endless",
      agent: "pickle",
      play: (reply) => {
        reply.toolCall(0, "read", notes);
        reply.finish("tool_calls");
      },
      expected: failed(/20 rounds/, 20, { toolResults: { all: 20, failed: 0 }, withinMs: 10_000 }),
    },
  ];
}

/** L16. */
export function senderCases({ idle }: FaultTimes): ModelFaultCase[] {
  const stopped = failed(/stopped/i, 1, { isCancelled: true });
  const start = "half an ";
  return [
    {
      name: "L16-stop-before-headers",
      agent: "pickle",
      sender: "stops at request",
      play: ({ gone }) => hang(gone),
      expected: stopped,
    },
    {
      name: "L16-stop-mid-stream",
      agent: "pickle",
      sender: "stops at text",
      play: (reply) => {
        reply.text(start);
        return hang(reply.gone);
      },
      expected: { ...stopped, isText: (content) => content === start },
    },
    {
      name: "L16-stop-while-it-waits",
      agent: "pickle",
      sender: "stops at request",
      play: (reply) => reply.fail(429, "wait", { "retry-after": "30" }),
      expected: { ...stopped, isText: isEmpty, isCancelled: false },
    },
    {
      name: "L16-leave-mid-stream",
      agent: "pickle",
      sender: "leaves at text",
      play: async (reply, asked, stage) => {
        const [first = "", ...rest] = answerTo(asked.content).split(/(?<= )/);
        reply.text(first);
        await stage.senderLeft(asked.content);
        reply.text(...rest);
        reply.finish("stop");
      },
      expected: answered(1, { withinMs: idle + 1250 }),
    },
  ];
}
