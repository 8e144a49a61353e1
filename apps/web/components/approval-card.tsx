import type { ApprovalReceipt, ApprovalRequestedEvent, ApprovalResolvedEvent } from "@my-bot/protocol";
import { ShieldQuestionMark } from "lucide-react";
import { useId, useState } from "react";
import { useBot } from "../bot/bot.tsx";
import { WEB_SOURCE } from "../bot/config.ts";
import type { Approval } from "../bot/timeline.ts";
import { formatArguments } from "./format-arguments.ts";
import { foreignSource } from "./source-badge.tsx";
import { TextBlock } from "./text-block.tsx";

/** A call that waits for someone to allow it; later, who decided what. */
export function ApprovalCard({ approval, isOpen }: { approval: Approval; isOpen: boolean }) {
  const { request, resolution } = approval;
  if (resolution) return <Decision resolution={resolution} />;
  return isOpen ? <Question request={request} /> : null;
}

type Answer = Pick<ApprovalReceipt, "decision" | "scope">;

function Question({ request }: { request: ApprovalRequestedEvent }) {
  const { client, reportError } = useBot();
  const [isSent, setSent] = useState(false);
  const title = useId();
  const answer = ({ decision, scope }: Answer): void => {
    setSent(true);
    client
      .approve({ approval_id: request.approval_id, decision, scope, source: WEB_SOURCE })
      .catch((cause: unknown) => {
        setSent(false);
        reportError(cause);
      });
  };
  return (
    <section
      data-testid="approval"
      aria-labelledby={title}
      className="flex flex-col gap-3 rounded-lg border border-notice-foreground/40 bg-notice px-3 py-3 text-sm"
    >
      <p id={title} className="flex items-center gap-2 font-medium text-notice-foreground">
        <ShieldQuestionMark aria-hidden="true" className="size-4 shrink-0" />
        <span>
          May <code>{request.name}</code> be called?
        </span>
      </p>
      <TextBlock label="Arguments" text={formatArguments(request.arguments)} />
      {request.preview !== null && <TextBlock label="What this is about" text={request.preview} />}
      <div className="flex flex-wrap items-center gap-2">
        <AnswerButton label="Allow once" isSent={isSent} onPress={() => answer({ decision: "allow", scope: "once" })} />
        <AnswerButton
          label="Allow for this session"
          isSent={isSent}
          onPress={() => answer({ decision: "allow", scope: "session" })}
        />
        <AnswerButton label="Deny" isSent={isSent} onPress={() => answer({ decision: "deny", scope: "once" })} />
        <span className="text-notice-foreground text-xs">Denied by itself at {timeOf(request.expires_at)}</span>
      </div>
    </section>
  );
}

interface AnswerButtonProps {
  readonly label: string;
  readonly isSent: boolean;
  onPress(): void;
}

function AnswerButton({ label, isSent, onPress }: AnswerButtonProps) {
  return (
    <button
      type="button"
      disabled={isSent}
      onClick={onPress}
      className="rounded-lg border bg-background px-3 py-1.5 font-medium hover:bg-muted disabled:text-muted-foreground"
    >
      {label}
    </button>
  );
}

function Decision({ resolution }: { resolution: ApprovalResolvedEvent }) {
  return (
    <p data-testid="decision" className="text-muted-foreground text-xs">
      {describe(resolution)}
    </p>
  );
}

function describe({ decision, scope, reason, by }: ApprovalResolvedEvent): string {
  switch (reason) {
    case "expired":
      return "Denied: nobody answered in time";
    case "aborted":
      return "Not answered: the run was stopped";
    case "answered": {
      const what = decision === "deny" ? "Denied" : scope === "session" ? "Allowed for this session" : "Allowed once";
      return by === null ? what : `${what} by ${foreignSource(by) ?? "you"}`;
    }
  }
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
