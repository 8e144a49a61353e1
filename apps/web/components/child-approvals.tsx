import { Fragment } from "react";
import type { ToolUse } from "../bot/timeline.ts";
import { useTimeline } from "../bot/use-timeline.ts";
import { ApprovalCard } from "./approval-card.tsx";

/** What the agent that was given a task asks for, where the task was given; it may have given tasks itself. */
export function ChildApprovals({ child }: { child: NonNullable<ToolUse["child"]> }) {
  const { runs } = useTimeline(child.session_id);
  const open = runs.find(({ run_id }) => run_id === child.child_run_id);
  const tools = open?.progress.state === "running" ? open.turns.flatMap((turn) => turn.tools) : [];
  return tools
    .filter((tool) => tool.result === null)
    .map((tool) => (
      <Fragment key={tool.call.tool_call_id}>
        {tool.approval && <ApprovalCard approval={tool.approval} isOpen={true} />}
        {tool.child && <ChildApprovals child={tool.child} />}
      </Fragment>
    ));
}
