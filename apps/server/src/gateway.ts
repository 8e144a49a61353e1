import {
  type AgentView,
  BotError,
  type CreateSessionInput,
  type EventRecord,
  formatSource,
  type Gateway,
  type HistoryInput,
  type HistoryPage,
  type InboundEvent,
  type InfoView,
  type OpenRunView,
  type SendInput,
  type SendResult,
  type SessionDetails,
  type SessionEvent,
  type SessionView,
} from "@my-bot/protocol";
import { v7 as timedUuid } from "uuid"; // new ones stand together in every index, which keeps a commit small
import { isImmediate, listCommands } from "./agent/commands/command-registry.ts";
import { newSession, sessionEvent } from "./agent/new-session.ts";
import type { RunControl } from "./agent/run-control.ts";
import { takesImages } from "./agent/takes-images.ts";
import { approve } from "./approve.ts";
import { download, findAttachments, upload } from "./attachments.ts";
import type { EventBus, LogRecord } from "./bus/event-bus.ts";
import { messageKey } from "./bus/message-key.ts";
import type { ApprovalStore } from "./session/approval-store.ts";
import type { AttachmentStore } from "./session/attachment-store.ts";
import { firstCharacters } from "./session/first-characters.ts";
import type { SessionOwner, SessionStore } from "./session/session-store.ts";
import type { Workspace } from "./workspace/open-workspace.ts";

export interface GatewayDeps {
  readonly bus: EventBus;
  readonly sessions: SessionStore;
  readonly approvals: ApprovalStore;
  readonly attachments: AttachmentStore;
  readonly runs: RunControl;
  /** As it is now: asked for at each call. */
  readonly workspace: () => Workspace;
  readonly info: () => InfoView;
  /** Aborts when the server begins to stop. */
  readonly draining: AbortSignal;
}

const PREVIEW_CHARACTERS = 200;

const now = (): number => Date.now() / 1000;

export function createGateway(deps: GatewayDeps): Gateway {
  const { bus, sessions, approvals, attachments, runs, workspace, info } = deps;
  return {
    send: (input) => send(deps, input),
    upload: async (data) => {
      requireOpen(deps);
      return upload(attachments, data, workspace().config.api.limits.attachment_bytes);
    },
    download: (attachmentId) => download(attachments, attachmentId),
    events: (options) => bus.subscribe(options),
    follow: (options, reader) => bus.follow(options, reader),
    abort: async (input) => ({ run_ids: await runs.abort(input) }),
    approve: (input) => approve(deps, input),
    listApprovals: () => approvals.list(),
    listSessions: (input) => sessions.list(input),
    getSession: (sessionId) => getSession(deps, sessionId),
    history: (input) => readHistory(deps, input),
    createSession: (input) => createSession(deps, input),
    renameSession: ({ session_id, title }) =>
      publishSession(deps, requireOwner(deps, session_id), { action: "renamed", title }),
    deleteSession: (sessionId) => deleteSession(deps, sessionId),
    listAgents: () => listAgents(workspace()),
    listCommands,
    info,
  };
}

function listAgents({ agents, config }: Workspace): AgentView[] {
  return [...agents.values()].map(({ agentId, name, description, llm }) => ({
    agent_id: agentId,
    name,
    description,
    is_default: agentId === config.default_agent,
    images: takesImages(llm),
  }));
}

/** From here to the publish nothing is awaited: two messages of a new source in one tick must find one session. */
async function send(deps: GatewayDeps, input: SendInput): Promise<SendResult> {
  const { bus, sessions } = deps;
  const { config, agents } = deps.workspace();
  requireOpen(deps);
  requireContentFits(deps, input.content);
  const source = formatSource({ kind: "platform-ws", id: input.source });
  if (input.agent_id) requireAgent(deps, input.agent_id);
  const existing = input.session_id ? requireOwner(deps, input.session_id) : sessions.resolve(source);
  const owner = existing ?? newSession(config, source, input.agent_id);
  const agentId = input.agent_id ?? owner.agent_id;
  const messageId = input.message_id ?? timedUuid();
  const key = messageKey(messageId, source);
  const isNew = (): boolean => !bus.has(key); // what was taken before is not judged again
  const { queued_messages: limit } = config.api.limits;
  if (owner.open_runs >= limit && !isImmediate(input.content) && isNew()) throw queueFull(limit);
  const viewer = { agent: agents.get(agentId), chosen: owner.model };
  const attachments =
    input.attachments && isNew() ? findAttachments(deps.attachments, input.attachments, viewer) : undefined;

  const inbound: InboundEvent = {
    type: "InboundEvent",
    session_id: owner.session_id,
    source,
    content: input.content,
    timestamp: now(),
    retry_count: 0,
    run_id: timedUuid(),
    message_id: messageId,
    agent_id: agentId,
    ...(attachments && { attachments }),
  };
  const created = existing ? [] : [sessionEvent(owner, { action: "created", title: null })];
  const { records, duplicate } = await bus.publish([...created, inbound], { sessionSource: owner.source, key });
  return toSendResult(records, duplicate, input);
}

function toSendResult(records: readonly LogRecord[], duplicate: boolean, sent: SendInput): SendResult {
  const record = records.find(isInbound);
  if (record === undefined) throw new BotError("NOT_FOUND", "This message was sent before, and is no longer kept");
  const { session_id, run_id, message_id, content, attachments } = record.event;
  const ids = attachments?.map(({ id }) => id).join();
  if (content !== sent.content || ids !== sent.attachments?.join()) {
    throw new BotError("CONFLICT", `message_id "${message_id}" was used before for another content`);
  }
  return { receipt: { cursor: record.cursor, session_id, run_id, message_id, duplicate }, record };
}

function isInbound(record: LogRecord): record is LogRecord<InboundEvent> {
  return record.event.type === "InboundEvent";
}

async function createSession(deps: GatewayDeps, input: CreateSessionInput): Promise<SessionView> {
  if (input.agent_id) requireAgent(deps, input.agent_id);
  const owner = newSession(
    deps.workspace().config,
    formatSource({ kind: "platform-ws", id: input.source }),
    input.agent_id,
  );
  await publishSession(deps, owner, { action: "created", title: input.title ?? null });
  return getSession(deps, owner.session_id);
}

/** With the sessions of its tasks, which tell what was asked and answered in it; in one tick, and so in one commit. */
async function deleteSession(deps: GatewayDeps, sessionId: string): Promise<EventRecord<SessionEvent>> {
  const { sessions, runs } = deps;
  const owner = requireOwner(deps, sessionId);
  await runs.abort({ session_id: sessionId });
  await Promise.all(sessions.descendants(sessionId).map(({ session_id }) => runs.abort({ session_id })));
  const remove = (one: SessionOwner) => publishSession(deps, one, { action: "deleted", title: null });
  const [deleted] = await Promise.all([remove(owner), ...sessions.descendants(sessionId).map(remove)]);
  return deleted;
}

async function publishSession(
  { bus }: GatewayDeps,
  owner: SessionOwner,
  change: Pick<SessionEvent, "action" | "title">,
): Promise<EventRecord<SessionEvent>> {
  const event = sessionEvent(owner, change);
  const { records } = await bus.publish([event], { sessionSource: owner.source });
  return { cursor: records[0]?.cursor ?? "", event };
}

function readHistory({ bus, sessions }: GatewayDeps, { session_id, limit, before }: HistoryInput): HistoryPage {
  if (!sessions.owner(session_id)) throw unknownSession(session_id);
  const page = bus.history({ sessionId: session_id, limit: limit + 1, before });
  const records = page.slice(-limit);
  return {
    records: records.map(({ cursor, event }) => ({ cursor, event })),
    before: page.length > limit ? (records[0]?.cursor ?? null) : null,
  };
}

function getSession({ sessions, approvals, runs, workspace }: GatewayDeps, sessionId: string): SessionDetails {
  const view = sessions.get(sessionId);
  if (view === undefined) throw unknownSession(sessionId);
  const messages = sessions.openMessages(sessionId, workspace().config.api.limits.queued_messages);
  const details = messages.map(
    ({ run_id, message_id, content, timestamp }): OpenRunView => ({
      run_id,
      message_id,
      content: firstCharacters(content, PREVIEW_CHARACTERS),
      state: runs.isRunning(run_id) ? "running" : "queued",
      timestamp,
    }),
  );
  return { ...view, runs: details, approvals: approvals.list(sessionId) };
}

function requireOpen({ draining }: GatewayDeps): void {
  if (draining.aborted) throw new BotError("SERVICE_UNAVAILABLE", "The server is stopping; send it again later");
}

function requireOwner({ sessions }: GatewayDeps, sessionId: string): SessionOwner {
  const owner = sessions.owner(sessionId);
  if (owner === undefined) throw unknownSession(sessionId);
  return owner;
}

function unknownSession(sessionId: string): BotError {
  return new BotError("NOT_FOUND", `Unknown session "${sessionId}"`);
}

function requireAgent({ workspace }: GatewayDeps, agentId: string): void {
  const { agents } = workspace();
  if (agents.has(agentId)) return;
  throw new BotError("NOT_FOUND", `Unknown agent "${agentId}"; known: ${[...agents.keys()].join(", ")}`);
}

function requireContentFits({ workspace }: GatewayDeps, content: string): void {
  const bytes = Buffer.byteLength(content);
  const limit = workspace().config.api.limits.content_bytes;
  if (bytes > limit) throw new BotError("PAYLOAD_TOO_LARGE", `content is ${bytes} bytes; the limit is ${limit}`);
}

function queueFull(limit: number): BotError {
  return new BotError(
    "TOO_MANY_REQUESTS",
    `This session has ${limit} messages waiting; try again when some are answered`,
  );
}
