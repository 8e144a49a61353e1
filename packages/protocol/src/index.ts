export { BotError, type BotErrorCode } from "./bot-error.ts";
export { eventJson, parseStoredEvent } from "./event-json.ts";
export { EventSubscription } from "./event-subscription.ts";
export {
  BotEvent,
  ConversationStart,
  DeltaEvent,
  DispatchEvent,
  Dispatcher,
  DispatchResultEvent,
  DurableEvent,
  EventType,
  GapEvent,
  homeSession,
  InboundEvent,
  OutboundEvent,
  PostedEvent,
  RunEndedEvent,
  RunStartedEvent,
  SessionEvent,
  SyncedEvent,
  ToolCallEvent,
  ToolResultEvent,
  Usage,
} from "./events.ts";
export type {
  Cursor,
  EventBatch,
  EventFilter,
  EventReader,
  EventRecord,
  Following,
  FollowOptions,
  Gateway,
  HistoryPage,
  SendResult,
  SubscribeOptions,
} from "./gateway.ts";
export { AbortInput, ClientMessage, EventsInput, formatIssues, Receipt, SendInput } from "./messages.ts";
export { type AppRouter, appRouter, type ConnectionContext, toTrpcError } from "./router.ts";
export { formatSource, parseSource, type Source, SourceKind } from "./source.ts";
export {
  AgentView,
  CommandView,
  CreateSessionInput,
  GetSessionInput,
  HistoryInput,
  InfoView,
  ListSessionsInput,
  McpServerView,
  OpenRunView,
  RenameSessionInput,
  SessionDetails,
  type SessionPage,
  SessionView,
} from "./views.ts";
