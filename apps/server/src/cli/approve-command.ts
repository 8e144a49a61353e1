import type { Command } from "commander";
import { type ClientOptions, clientCommand, withClient } from "./client-options.ts";
import { describeApproval } from "./describe-approval.ts";
import type { SourceOptions } from "./source-options.ts";

interface ApproveOptions extends ClientOptions, Pick<SourceOptions, "source"> {
  readonly deny?: boolean;
  readonly session?: boolean;
}

export function approvalsCommand(): Command {
  return clientCommand("approvals")
    .description("List the calls that wait for someone to allow them")
    .action((options: ClientOptions) =>
      withClient(options, async (client) => {
        for (const request of await client.approvals.list()) {
          console.log(`${request.approval_id}\n${describeApproval(request)}`);
        }
      }),
    );
}

export function approveCommand(): Command {
  return clientCommand("approve")
    .description("Allow a call that waits, or deny it")
    .argument("<id>", "of the request, as `my-bot approvals` lists it")
    .option("--deny", "deny it instead")
    .option("--session", "also allow later calls of this session: of the same tool, or the same command")
    .option("--source <id>", "your name in the log", "cli")
    .action(approve);
}

async function approve(approval_id: string, { deny, session, source, ...options }: ApproveOptions): Promise<void> {
  const decision = deny === true ? "deny" : "allow";
  const scope = session === true ? "session" : "once";
  await withClient(options, async (client) => {
    const receipt = await client.approve({ approval_id, decision, scope, source });
    console.log(receipt.decision === "allow" ? "allowed" : "denied");
  });
}
