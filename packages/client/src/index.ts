export type {
  AgentView,
  ApprovalDecision,
  ApprovalReceipt,
  ApprovalRequestedEvent,
  ApprovalResolvedEvent,
  ApprovalScope,
  Attachment,
  BotEvent,
  CommandView,
  DeltaEvent,
  EventRecord,
  EventType,
  HistoryPage,
  InboundEvent,
  InfoView,
  McpServerView,
  OpenRunView,
  OutboundEvent,
  ReasoningEvent,
  Receipt,
  RunEndedEvent,
  SendInput,
  SessionDetails,
  SessionPage,
  SessionView,
  ToolCallEvent,
  ToolOutputEvent,
  ToolResultEvent,
} from "@my-bot/protocol";
export type { AskOptions } from "./ask.ts";
export { ConnectionLostError, MyBotClientError, type MyBotClientErrorCode } from "./client-error.ts";
export type { ConnectionState } from "./connection.ts";
export { createMyBotClient } from "./create-my-bot-client.ts";
export type { EventsOptions } from "./event-stream.ts";
export type { CallOptions, MyBotClient, MyBotClientOptions } from "./my-bot-client.ts";
