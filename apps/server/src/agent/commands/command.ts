import type { CommandView, InboundEvent } from "@my-bot/protocol";
import type { EventBus } from "../../bus/event-bus.ts";
import type { SessionOwner, SessionStore } from "../../session/session-store.ts";
import type { Workspace } from "../../workspace/open-workspace.ts";
import type { RuntimeConfig } from "../../workspace/runtime-config.ts";
import type { ReadyAgent } from "../agent-loop.ts";
import type { TokenCounter } from "../context/token-counter.ts";
import type { ModelFinish } from "../language-model.ts";
import type { SessionChange } from "../new-session.ts";

/** What commands may read and change. */
export interface CommandDeps {
  readonly bus: EventBus;
  readonly sessions: SessionStore;
  /** As it is now. */
  readonly workspace: () => Workspace;
  readonly findAgent: (agentId: string) => ReadyAgent | undefined;
  readonly runtimeConfig: RuntimeConfig;
  readonly tokens: TokenCounter;
  /** Stops what the same session sent before this run; resolves with how many ran and how many waited. */
  readonly stopEarlier: (runId: string) => Promise<StoppedRuns>;
}

export interface StoppedRuns {
  readonly running: number;
  readonly queued: number;
}

/** One message that is a command. */
export interface CommandCall {
  readonly args: readonly string[];
  readonly inbound: InboundEvent;
  readonly session: SessionOwner;
  /** What it asked a model for. */
  readonly onTurn: (finish: ModelFinish) => void;
  readonly signal: AbortSignal;
}

/** What is said, and what becomes true in the same commit: a crash before it leaves nothing half done (SPEC CMD3). */
export interface CommandAnswer {
  readonly content: string;
  readonly changes?: readonly SessionChange[];
}

/** A word that a message may begin with. What the user got wrong is an ordinary answer that says how to do it. */
export interface Command extends CommandView {
  /** Takes effect while the session is busy, and does not wait in its queue. */
  readonly isImmediate?: boolean;
  run(deps: CommandDeps, call: CommandCall): CommandAnswer | Promise<CommandAnswer>;
}
