import type { EventBus } from "../bus/event-bus.ts";
import { createDeltaWriter } from "./delta-writer.ts";
import type { CallContext } from "./tools/tool.ts";

const PERIOD_MS = 50; // at most 20 pieces in a second
const MAX_CHARS = 64 * 1024;
const MORE = "\n[more than 64 KiB: what is kept comes with the result]\n";

/** Makes a call whose output is shown while it runs, up to 64 Ki characters of it, all before this resolves (SPEC TOOL14). */
export async function withLiveOutput<T>(
  bus: Pick<EventBus, "broadcast">,
  context: CallContext,
  run: (context: CallContext) => Promise<T>,
): Promise<T> {
  const { session_id, run_id, turn, tool_call_id } = context.call;
  const { sessionSource } = context;
  let room = MAX_CHARS;
  using writer = createDeltaWriter((offset, content) => {
    const event = { type: "ToolOutputEvent" as const, session_id, run_id, turn, tool_call_id, offset, content };
    bus.broadcast(event, { sessionSource });
  }, PERIOD_MS);
  const onOutput = (text: string): void => {
    if (room <= 0) return;
    writer.add(text.length <= room ? text : text.slice(0, room) + MORE);
    room -= text.length;
  };
  try {
    return await run({ ...context, onOutput });
  } finally {
    room = 0; // a tool that was left alone may go on
  }
}
