import { WebSocket } from "ws";
import type { LoggedEvent } from "../ledger/ledger.ts";
import { isDurable, text, toLogged, type WireEvent } from "./wire-event.ts";

const SILENCE_MS = 30_000;

/** The whole log as the raw door gives it, up to where it says that it is over. */
export async function readLog(port: number): Promise<LoggedEvent[]> {
  const events = await readEvents(port);
  return events.map((event) => toLogged(text(event.cursor) ?? "", event));
}

/** The same as it came. */
export function readEvents(port: number): Promise<WireEvent[]> {
  return new Promise((resolve, reject) => {
    const log: WireEvent[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?events=all&after=0`);
    const timer = setTimeout(() => fail(new Error("The log does not end with a SyncedEvent")), SILENCE_MS);
    function fail(error: Error): void {
      clearTimeout(timer);
      socket.terminate();
      reject(error);
    }
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("The server closed while its log was read")));
    socket.on("message", (data) => {
      timer.refresh();
      const event: WireEvent = JSON.parse(data.toString());
      if (isDurable(event)) log.push(event);
      if (event.type !== "SyncedEvent") return;
      clearTimeout(timer);
      resolve(log);
      socket.terminate();
    });
  });
}
