import { EventType } from "@my-bot/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { type ClientOptions, clientCommand, withClient } from "./client-options.ts";

interface TailOptions extends ClientOptions {
  readonly after?: string;
  readonly session?: string;
  readonly source?: string;
  readonly types?: EventType[];
}

export function tailCommand(): Command {
  return clientCommand("tail")
    .description("Follow the log: one JSON object for each event, with its cursor")
    .option("--after <cursor>", 'start after this cursor; "0" is the beginning (default: from now on)')
    .option("--session <id>", "only this session")
    .option("--source <id>", "only the sessions of this source")
    .option("--types <list>", "only these event types, separated by commas", parseTypes)
    .addHelpText("after", `\nExample:\n  $ my-bot tail --after 0 --types InboundEvent,OutboundEvent`)
    .action(tail);
}

async function tail({ after, session, source, types, ...options }: TailOptions): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const filter = {
    ...(after !== undefined && { after }),
    ...(session !== undefined && { session_id: session }),
    ...(source !== undefined && { source }),
    ...(types !== undefined && { types }),
  };
  await withClient(options, async (client) => {
    for await (const { cursor, event } of client.events({ ...filter, signal: stop.signal })) {
      console.log(JSON.stringify({ cursor, ...event }));
    }
  });
}

function parseTypes(list: string): EventType[] {
  return list.split(",").map((name) => {
    const type = EventType.safeParse(name.trim());
    if (type.success) return type.data;
    throw new InvalidArgumentError(`"${name}" is none of ${EventType.options.join(", ")}`);
  });
}
