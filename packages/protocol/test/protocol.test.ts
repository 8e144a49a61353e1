import { expect, test } from "vitest";
import {
  BotEvent,
  ClientMessage,
  DurableEvent,
  EventType,
  formatIssues,
  formatSource,
  InboundEvent,
  OutboundEvent,
  parseSource,
} from "../src/index.ts";

const INHERITED_INBOUND = ["type", "session_id", "source", "content", "timestamp", "retry_count"];
const INHERITED_OUTBOUND = ["type", "session_id", "source", "content", "timestamp", "error"];

test("[EV1] [EV2] the inherited fields come first, in the inherited order; ours follow", () => {
  expect(Object.keys(InboundEvent.shape).slice(0, 6)).toEqual(INHERITED_INBOUND);
  expect(Object.keys(OutboundEvent.shape).slice(0, 6)).toEqual(INHERITED_OUTBOUND);
});

test.each([
  ["platform-ws:test", { kind: "platform-ws", id: "test" }],
  ["platform-ws:a.b:c", { kind: "platform-ws", id: "a.b:c" }],
  ["agent:pickle", { kind: "agent", id: "pickle" }],
  ["cron:daily:8", { kind: "cron", id: "daily:8" }],
  ["platform-cli:", undefined],
  ["platform-cli", undefined],
  ["stranger:x", undefined],
  [":x", undefined],
] as const)("[EV3] %s is parsed at the first colon, and formatted back", (text, source) => {
  expect(parseSource(text)).toEqual(source);
  if (source) expect(formatSource(source)).toBe(text);
});

test("[EV4] every event names its type, durable ones their session; an unknown type is refused", () => {
  expect(EventType.options).toEqual(BotEvent.options.map((option) => option.shape.type.value));
  for (const option of DurableEvent.options) expect(option.shape).toHaveProperty("session_id");
  expect(DurableEvent.safeParse({ type: "DeltaEvent" }).success).toBe(false);
  expect(BotEvent.safeParse({ type: "Nonsense" }).success).toBe(false);
});

test("[WS2] a client message needs source and content; a fault names its field", () => {
  expect(ClientMessage.parse({ source: "t", content: "Hi", agent_id: null, extra: 1 })).toEqual({
    source: "t",
    content: "Hi",
    agent_id: null,
  });
  const parsed = ClientMessage.safeParse({ source: 7 });
  expect(parsed.error && formatIssues(parsed.error)).toMatch(/^source: .*; content: /);
});
