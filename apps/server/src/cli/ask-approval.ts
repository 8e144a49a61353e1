import { type ApprovalRequestedEvent, type MyBotClient, MyBotClientError } from "@my-bot/client";
import { describeApproval } from "./describe-approval.ts";
import type { LineReader } from "./line-reader.ts";

export interface AskApprovalDeps {
  readonly client: MyBotClient;
  readonly lines: LineReader;
  /** Who answers. */
  readonly source: string;
}

type Answer = Pick<Parameters<MyBotClient["approve"]>[0], "decision" | "scope">;

const ANSWERS: ReadonlyMap<string, Answer> = new Map([
  ["y", { decision: "allow", scope: "once" }],
  ["n", { decision: "deny", scope: "once" }],
  ["a", { decision: "allow", scope: "session" }],
]);
const QUESTION = "  Allow? y(es), n(o), a(lways in this session) > ";

/** Asks whoever sits there, until they have answered or `settled` aborts because someone else has. */
export async function askApproval(
  { client, lines, source }: AskApprovalDeps,
  request: ApprovalRequestedEvent,
  settled: AbortSignal,
): Promise<void> {
  console.log(`\n? The agent asks to call\n${describeApproval(request)}`);
  while (!settled.aborted) {
    process.stdout.write(QUESTION);
    const line = await lines.next(settled);
    if (line === undefined) break;
    const answer = ANSWERS.get(line.trim().toLowerCase().slice(0, 1));
    if (answer) return await approve(client, { approval_id: request.approval_id, source, ...answer });
  }
  console.log(
    settled.aborted
      ? "\n  (answered elsewhere, or too late)"
      : `\n  (waits for: my-bot approve ${request.approval_id})`,
  );
}

async function approve(client: MyBotClient, input: Parameters<MyBotClient["approve"]>[0]): Promise<void> {
  try {
    await client.approve(input);
  } catch (cause) {
    if (!(cause instanceof MyBotClientError)) throw cause;
    console.log(`! ${cause.message}`);
  }
}
