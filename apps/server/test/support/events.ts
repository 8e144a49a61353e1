import { randomUUID } from "node:crypto";
import type {
  DeltaEvent,
  InboundEvent,
  OutboundEvent,
  ReasoningEvent,
  SessionEvent,
  ToolOutputEvent,
  ToolResultEvent,
} from "@my-bot/protocol";

export function inbound(fields: Partial<InboundEvent> = {}): InboundEvent {
  return {
    type: "InboundEvent",
    session_id: "s1",
    source: "platform-ws:test",
    content: "Hi",
    timestamp: 1,
    retry_count: 0,
    run_id: randomUUID(),
    message_id: randomUUID(),
    agent_id: "pickle",
    ...fields,
  };
}

export function outbound(fields: Partial<OutboundEvent> = {}): OutboundEvent {
  return {
    type: "OutboundEvent",
    session_id: "s1",
    source: "agent:pickle",
    content: "Hello",
    timestamp: 2,
    error: null,
    run_id: randomUUID(),
    ...fields,
  };
}

export function delta(fields: Partial<DeltaEvent> = {}): DeltaEvent {
  return { type: "DeltaEvent", session_id: "s1", run_id: "r1", turn: 0, offset: 0, content: "Hel", ...fields };
}

export function reasoning(fields: Partial<ReasoningEvent> = {}): ReasoningEvent {
  return { ...delta(), ...fields, type: "ReasoningEvent" };
}

export function session(fields: Partial<SessionEvent> = {}): SessionEvent {
  return {
    type: "SessionEvent",
    session_id: "s1",
    action: "created",
    source: "platform-ws:test",
    agent_id: "pickle",
    title: null,
    timestamp: 1,
    ...fields,
  };
}

export function toolOutput(fields: Partial<ToolOutputEvent> = {}): ToolOutputEvent {
  const ids = { session_id: "s1", run_id: "r1", turn: 0, tool_call_id: "a" };
  return { type: "ToolOutputEvent", ...ids, offset: 0, content: "out", ...fields };
}

export function toolResult(fields: Partial<ToolResultEvent> = {}): ToolResultEvent {
  const ids = { session_id: "s1", run_id: "r1", turn: 0, tool_call_id: "a" };
  return { type: "ToolResultEvent", ...ids, name: "bash", content: "out", is_error: false, timestamp: 2, ...fields };
}
