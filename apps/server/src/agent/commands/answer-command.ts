import { BotError } from "@my-bot/protocol";
import type { Run } from "../agent-loop.ts";
import type { ModelFinish } from "../language-model.ts";
import { sessionEvent } from "../new-session.ts";
import { addTurn } from "../run-account.ts";
import type { CommandDeps } from "./command.ts";
import type { FoundCommand } from "./command-registry.ts";

/** Answers a message that is a command: the answer is `run.text`, what it changes `run.changes` (SPEC CMD3). */
export async function answerCommand(
  deps: CommandDeps,
  { run, command, args }: FoundCommand & { run: Run },
  signal: AbortSignal,
): Promise<void> {
  const { inbound } = run;
  const session = deps.sessions.owner(inbound.session_id);
  if (session === undefined) throw new BotError("NOT_FOUND", "The session was deleted");
  const onTurn = (finish: ModelFinish): void => addTurn(run, finish);
  const { content, changes = [] } = await command.run(deps, { args, inbound, session, onTurn, signal });
  signal.throwIfAborted();
  run.text = content;
  run.changes = changes.map((change) => sessionEvent(session, change));
}
