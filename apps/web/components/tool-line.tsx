import { Check, ChevronRight, CircleAlert, LoaderCircle, Minus } from "lucide-react";
import { sessionFragment } from "../bot/fragment.ts";
import { agentName, useServer } from "../bot/server.tsx";
import type { ToolUse } from "../bot/timeline.ts";
import { formatArguments, parseArguments } from "./format-arguments.ts";
import { TextBlock } from "./text-block.tsx";

/** One tool call on one line; what went in and came out inside. */
export function ToolLine({ tool, isOpen }: { tool: ToolUse; isOpen: boolean }) {
  const { call, result, output, child } = tool;
  return (
    <details data-testid="tool" className="group rounded-lg border text-sm">
      <summary className="flex list-none items-center gap-2 rounded-lg px-2.5 py-1.5 text-muted-foreground hover:bg-muted">
        <ChevronRight aria-hidden="true" className="size-3.5 shrink-0 transition-transform group-open:rotate-90" />
        <span className="font-medium font-mono text-[13px] text-foreground">{call.name}</span>
        <span className="min-w-0 flex-1 truncate font-mono text-xs">{lastLine(output) || preview(call.arguments)}</span>
        <ToolState result={result} isOpen={isOpen} />
      </summary>
      <div className="flex flex-col gap-2 border-t px-3 py-2.5">
        {child && <ChildLink child={child} />}
        <TextBlock label="Arguments" text={formatArguments(call.arguments)} />
        {output && <TextBlock label="Output so far" text={output} />}
        {result && <TextBlock label={result.is_error ? "Error" : "Result"} text={result.content} />}
      </div>
    </details>
  );
}

/** To the session in which another agent does the task. */
function ChildLink({ child }: { child: NonNullable<ToolUse["child"]> }) {
  const agent = agentName(useServer(), child.agent_id);
  return (
    <a data-testid="child" href={sessionFragment(child.session_id)} className="self-start text-primary underline">
      See how {agent} does it
    </a>
  );
}

function ToolState({ result, isOpen }: { result: ToolUse["result"]; isOpen: boolean }) {
  if (result?.is_error) return <CircleAlert aria-label="failed" role="img" className="size-4 text-destructive" />;
  if (result) return <Check aria-label="done" role="img" className="size-4 text-primary" />;
  if (isOpen) return <LoaderCircle aria-label="running" role="img" className="size-4 motion-safe:animate-spin" />;
  return <Minus aria-label="no result" role="img" className="size-4" />;
}

/** What a running call is at. */
function lastLine(output: string): string {
  return output.trimEnd().split("\n").at(-1) ?? "";
}

function preview(json: string): string {
  const values = parseArguments(json);
  if (values === undefined) return json;
  return Object.values(values)
    .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
    .join("  ");
}
