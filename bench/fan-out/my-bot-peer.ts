/** The product's log and gateway in one process, without agents, behind a door: `my-bot-peer.ts ours|stock`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../apps/server/src/workspace/config.ts";
import { openBareGateway } from "../../apps/server/test/support/bare-gateway.ts";
import { startOurDoor, startStockDoor } from "../../apps/server/test/support/rpc-doors.ts";
import { serveOrders } from "./control.ts";
import { timeCommits } from "./time-commits.ts";

const config = Config.parse({
  api: { port: 0, limits: { messages_per_second: 1e6, queued_messages: 1e6, connections: 20_000 } },
});
const dir = mkdtempSync(join(tmpdir(), "my-bot-bench-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
const { gateway, bus, store } = openBareGateway(dir, config);
const takeCommits = timeCommits(store.writer);
const startDoor = process.argv[2] === "stock" ? startStockDoor : startOurDoor;
const { port } = await startDoor(gateway, config.api);
serveOrders({
  port,
  takeCommits,
  publish: (events) => {
    for (const event of events) void bus.publish([event], { sessionSource: event.source });
  },
  stream: ({ sessions: count, tokensPerSecond }) => {
    const offsets = Array<number>(count).fill(0);
    setInterval(() => {
      for (const [index, offset] of offsets.entries()) {
        const event = {
          type: "DeltaEvent" as const,
          session_id: `s${index}`,
          run_id: `r${index}`,
          turn: 0,
          offset,
          content: " token",
        };
        bus.broadcast(event, { sessionSource: `platform-ws:s${index}` });
        offsets[index] = offset < 6000 ? offset + event.content.length : 0; // an answer ends some time
      }
    }, 1000 / tokensPerSecond);
  },
});
