import type { SessionView } from "@my-bot/protocol";
import { Fragment, type ReactNode, useState } from "react";
import { useBot } from "../bot/bot.tsx";
import type { LocalMessage } from "../bot/outbox.ts";
import { agentName, type Server, takesImages, useServer } from "../bot/server.tsx";
import { emptyTimeline, hasOpenApproval, hasOpenRun, type Timeline } from "../bot/timeline.ts";
import { useLocalMessages, useTimeline } from "../bot/use-timeline.ts";
import { Composer } from "./composer.tsx";
import { EmptyState } from "./empty-state.tsx";
import { RunView } from "./run-view.tsx";
import { ScrollPane } from "./scroll-pane.tsx";
import { foreignSource } from "./source-badge.tsx";
import { StartLine } from "./start-line.tsx";
import { PendingMessage } from "./user-message.tsx";

const FIRST_RUNS = 50; // how many are shown before someone asks for older ones
const DEFAULT_MAX_BYTES = 64 * 1024; // until the server has told

export function NewConversation() {
  const { outbox } = useBot();
  const local = useLocalMessages(null, emptyTimeline);
  return (
    <Frame sessionId={null} local={local} onStop={null}>
      {local.length === 0 && <EmptyState onPrompt={(text) => outbox.send(text, null)} />}
    </Frame>
  );
}

/** Keyed by the session. */
export function Conversation({ sessionId, session }: { sessionId: string; session: SessionView | null }) {
  const { client, reportError } = useBot();
  const server = useServer();
  const timeline = useTimeline(sessionId);
  const local = useLocalMessages(sessionId, timeline);
  if (timeline.phase === "deleted") return <Gone />;
  const isOpen = hasOpenRun(timeline);
  const stop = (): void => void client.abort({ session_id: sessionId }).catch(reportError);
  return (
    <Frame sessionId={sessionId} agentId={session?.agent_id} local={local} onStop={isOpen ? stop : null}>
      {timeline.phase === "loading" && timeline.runs.length === 0 && <Loading />}
      <Runs timeline={timeline} server={server} source={session?.source} />
      <p role="status" className="sr-only">
        {statusOf(timeline)}
      </p>
    </Frame>
  );
}

function statusOf(timeline: Timeline): string {
  if (hasOpenApproval(timeline)) return "Waiting for your approval";
  return hasOpenRun(timeline) ? "Answering" : "Ready";
}

interface FrameProps {
  readonly sessionId: string | null;
  readonly agentId?: string | undefined;
  readonly local: readonly LocalMessage[];
  readonly onStop: (() => void) | null;
  readonly children: ReactNode;
}

function Frame({ sessionId, agentId, local, onStop, children }: FrameProps) {
  const { outbox } = useBot();
  const server = useServer();
  return (
    <>
      <ScrollPane label="Messages" jump={local.at(-1)?.message_id}>
        {children}
        {local.map((message) => (
          <PendingMessage key={message.message_id} message={message} />
        ))}
      </ScrollPane>
      <Composer
        sessionId={sessionId}
        agent={agentName(server, agentId)}
        commands={server?.commands ?? []}
        maxBytes={server?.info.limits.content_bytes ?? DEFAULT_MAX_BYTES}
        takesImages={takesImages(server, agentId)}
        onSend={(text, images) => outbox.send(text, sessionId, images)}
        onStop={onStop}
      />
    </>
  );
}

interface RunsProps {
  readonly timeline: Timeline;
  readonly server: Server | null;
  readonly source: string | undefined; // of the session
}

function Runs({ timeline, server, source }: RunsProps) {
  const [count, setCount] = useState(FIRST_RUNS);
  const runs = timeline.runs.slice(-count);
  return (
    <>
      {timeline.runs.length > count && (
        <button
          type="button"
          onClick={() => setCount(count + FIRST_RUNS)}
          className="self-center rounded-full border px-3 py-1 text-muted-foreground text-sm hover:bg-muted"
        >
          Show earlier messages
        </button>
      )}
      {runs.map((run) => {
        const sender = run.message && run.message.source !== source ? foreignSource(run.message.source) : null;
        return (
          <Fragment key={run.run_id}>
            {timeline.start?.run_id === run.run_id && <StartLine action={timeline.start.action} />}
            <RunView run={run} agent={agentName(server, run.agent_id)} sender={sender} />
          </Fragment>
        );
      })}
    </>
  );
}

function Loading() {
  return <p className="m-auto text-muted-foreground text-sm">Fetching what was said…</p>;
}

export function Gone() {
  return (
    <div className="m-auto flex flex-col items-center gap-2 p-6 text-center">
      <p className="font-medium">This conversation is gone.</p>
      <p className="text-muted-foreground text-sm">Cats do not look back. Start a new one whenever you like.</p>
    </div>
  );
}
