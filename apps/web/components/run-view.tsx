import { CircleAlert } from "lucide-react";
import { Fragment, memo } from "react";
import { useBot } from "../bot/bot.tsx";
import type { Run } from "../bot/timeline.ts";
import { AnswerText } from "./answer-text.tsx";
import { ApprovalCard } from "./approval-card.tsx";
import { ChildApprovals } from "./child-approvals.tsx";
import { ReasoningSection } from "./reasoning-section.tsx";
import { ToolLine } from "./tool-line.tsx";
import { UsageLine } from "./usage-line.tsx";
import { UserMessage } from "./user-message.tsx";

interface RunViewProps {
  readonly run: Run;
  readonly agent: string;
  /** Who wrote, when it was not this page's own source. */
  readonly sender: string | null;
}

/** A message and what became of it. */
export const RunView = memo(function RunView({ run, agent, sender }: RunViewProps) {
  const { message, progress } = run;
  const isQueued = progress.state === "queued";
  const note = [sender && `from ${sender}`, isQueued && "queued"].filter(Boolean).join(" · ");
  return (
    <div className="flex flex-col gap-5">
      {message && (
        <UserMessage
          text={message.content}
          images={message.attachments}
          note={isQueued ? <QueuedNote text={note} runId={run.run_id} /> : note}
        />
      )}
      {(run.turns.length > 0 || progress.state !== "queued") && <Answer run={run} agent={agent} />}
    </div>
  );
});

/** What waits behind a running answer can be taken back. */
function QueuedNote({ text, runId }: { text: string; runId: string }) {
  const { client, reportError } = useBot();
  const cancel = (): void => void client.abort({ run_id: runId }).catch(reportError);
  return (
    <>
      {text} ·{" "}
      <button type="button" data-testid="cancel" className="underline" onClick={cancel}>
        Cancel
      </button>
    </>
  );
}

function Answer({ run, agent }: { run: Run; agent: string }) {
  const { turns, progress } = run;
  const isOpen = progress.state === "running";
  const last = turns.at(-1);
  const isThinking =
    isOpen && (last === undefined || (last.tools.length > 0 && last.tools.every((tool) => tool.result)));
  return (
    <article
      data-testid="message"
      data-role="assistant"
      data-state={progress.state === "ended" ? progress.status : progress.state}
      aria-label={agent}
      aria-busy={isOpen}
      className="flex min-w-0 flex-col gap-3"
    >
      {turns.map((turn) => (
        <div key={turn.turn} className="flex min-w-0 flex-col gap-3">
          {isOpen && turn.reasoning && <ReasoningSection text={turn.reasoning} />}
          {turn.text && <AnswerText text={turn.text} isStreaming={isOpen && turn === last} />}
          {turn.tools.map((tool) => (
            <Fragment key={tool.call.tool_call_id}>
              <ToolLine tool={tool} isOpen={isOpen} />
              {tool.approval && <ApprovalCard approval={tool.approval} isOpen={isOpen} />}
              {tool.child && isOpen && tool.result === null && <ChildApprovals child={tool.child} />}
            </Fragment>
          ))}
        </div>
      ))}
      {isThinking && <Thinking agent={agent} />}
      {progress.state === "ended" && <Outcome progress={progress} />}
      {progress.state === "ended" && progress.account && <UsageLine account={progress.account} />}
    </article>
  );
}

function Thinking({ agent }: { agent: string }) {
  return <p className="text-muted-foreground motion-safe:animate-pulse">{agent} is thinking…</p>;
}

function Outcome({ progress }: { progress: Extract<Run["progress"], { state: "ended" }> }) {
  const { status, reply } = progress;
  if (status === "completed") return null;
  if (status === "aborted") return <p className="text-muted-foreground text-sm">Stopped.</p>;
  return (
    <p
      role="alert"
      className="flex items-start gap-2 rounded-lg border border-destructive/40 px-3 py-2 text-destructive text-sm"
    >
      <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
      <span className="min-w-0 break-words">{reply?.error || "The run failed."}</span>
    </p>
  );
}
