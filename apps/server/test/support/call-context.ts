import type { CallContext } from "../../src/agent/tools/tool.ts";
import { inbound } from "./events.ts";

/** A call of a tool as the loop makes it; `args` is JSON as the model wrote it. */
export function callContext(name: string, args: string): CallContext {
  const message = inbound();
  const { session_id, run_id } = message;
  return {
    call: {
      type: "ToolCallEvent",
      session_id,
      run_id,
      turn: 0,
      tool_call_id: "call_a",
      name,
      arguments: args,
      content: "",
      timestamp: 1,
    },
    inbound: message,
    sessionSource: message.source,
  };
}
