import type { InboundEvent } from "@my-bot/protocol";
import { describe, expect, test } from "vitest";
import { openSqliteBus } from "../../src/bus/sqlite-bus.ts";
import { openSqliteStore } from "../../src/bus/sqlite-store.ts";
import { runCrons } from "../../src/cron/run-crons.ts";
import { openSqliteSessions } from "../../src/session/sqlite-sessions.ts";
import { openWorkspace } from "../../src/workspace/open-workspace.ts";
import { inbound, session } from "../support/events.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { temporaryFolder } from "../workspace-folder.ts";

const FILES = {
  "config.user.yaml": "llm: { provider: offline }\napi: { limits: { queued_messages: 3 } }\n",
  "agents/pickle/AGENT.md": "---\nname: Pickle\n---\nYou are Pickle.\n",
  "agents/cookie/AGENT.md": "---\nname: Cookie\n---\nYou are Cookie.\n",
};

function cronText(front: string, body = "Good morning!"): string {
  return `---\nname: Morning\n${front}\n---\n${body}\n`;
}

/** The crons of a workspace on a real log, at a time of the test's own. `store` and folder outlive a run. */
async function startCrons(dir: string, now: string) {
  const clock = new ManualClock(now);
  const store = openSqliteStore(`${dir}/.event`);
  const sessions = openSqliteSessions(store);
  const bus = openSqliteBus(store, [sessions]);
  const reports: string[] = [];
  const errors: unknown[] = [];
  const current = await openWorkspace(dir, { env: {} });
  const replaced = new AbortController().signal;
  const stop = new AbortController();
  const running = runCrons(
    {
      bus,
      sessions,
      clock,
      workspace: () => ({ current, replaced }),
      report: (line) => reports.push(line),
      onError: (error) => errors.push(error),
    },
    stop.signal,
  );
  const messages = async (): Promise<InboundEvent[]> => {
    const found: InboundEvent[] = [];
    for await (const { event } of bus.subscribe({ after: "0", signal: new AbortController().signal })) {
      if (event.type === "SyncedEvent") break;
      if (event.type === "InboundEvent") found.push(event);
    }
    return found;
  };
  return {
    bus,
    sessions,
    clock,
    reports,
    errors,
    messages,
    /** The times for which there is a message, without their date. */
    times: async () => (await messages()).map(({ message_id }) => message_id.replace(/^.*T(.*)\.000Z$/, "$1")),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await bus.close();
      expect(errors).toEqual([]);
    },
  };
}

describe("a cron", () => {
  test("[CRON2] sends its text when it is due, always into the same session, under a key of its time", async () => {
    const cron = cronText("schedule: 0 9 * * *\ntime_zone: Europe/Berlin\nagent: cookie");
    await using folder = await temporaryFolder({ ...FILES, "crons/morning/CRON.md": cron });
    await using crons = await startCrons(folder.path, "2026-03-27T12:00:00Z");
    expect(await crons.clock.untilIdle()).toEqual(new Date("2026-03-28T08:00:00Z"));
    expect(await crons.messages()).toEqual([]);
    expect(await crons.clock.moveTo("2026-03-28T08:00:00.003Z")).toEqual(new Date("2026-03-29T07:00:00Z")); // summer time
    await crons.clock.moveTo("2026-03-29T07:00:00Z");
    await crons.clock.moveTo("2026-03-29T07:00:01Z");
    const sent = await crons.messages();
    expect(sent.map(({ message_id }) => message_id)).toEqual([
      "cron:morning:2026-03-28T08:00:00.000Z",
      "cron:morning:2026-03-29T07:00:00.000Z",
    ]);
    expect(sent[0]).toMatchObject({ source: "cron:morning", content: "Good morning!", agent_id: "cookie" });
    expect(new Set(sent.map(({ session_id }) => session_id)).size).toBe(1);
    expect(crons.sessions.list({ limit: 10 }).sessions).toMatchObject([
      { source: "cron:morning", agent_id: "cookie", title: "Morning" },
    ]);
  });

  test("[CRON2] with a source goes into its session, and one that is not enabled goes nowhere", async () => {
    await using folder = await temporaryFolder({
      ...FILES,
      "crons/mine/CRON.md": cronText("schedule: '* * * * *'\nsource: platform-ws:me"),
      "crons/off/CRON.md": cronText("schedule: '* * * * *'\nenabled: false").replace("Morning", "Off"),
    });
    await using crons = await startCrons(folder.path, "2026-01-01T00:00:30Z");
    const source = "platform-ws:me";
    await crons.bus.publish([session({ source }), inbound({ source })], { sessionSource: source });
    await crons.clock.moveTo("2026-01-01T00:01:00Z");
    const [, sent, ...more] = await crons.messages();
    expect(sent).toMatchObject({ session_id: "s1", source: "cron:mine", agent_id: "pickle" });
    expect(more).toEqual([]);
    const records = crons.bus.history({ sessionId: "s1" });
    expect(records.map(({ sessionSource }) => sessionSource)).toEqual([source, source, source]);
  });

  test("[CRON2] leaves out what its session has no room for, and says so", async () => {
    await using folder = await temporaryFolder({
      ...FILES,
      "crons/often/CRON.md": cronText("schedule: '* * * * * *'"),
    });
    await using crons = await startCrons(folder.path, "2026-01-01T00:00:00Z");
    for (let second = 1; second <= 5; second++) await crons.clock.moveTo(`2026-01-01T00:00:0${second}Z`);
    expect(await crons.times()).toEqual(["00:00:01", "00:00:02", "00:00:03"]);
    expect(crons.reports).toEqual([
      "crons/often: left out at 2026-01-01T00:00:04.000Z: too many messages wait",
      "crons/often: left out at 2026-01-01T00:00:05.000Z: too many messages wait",
    ]);
  });
});

describe("after a time without a server", () => {
  test("[CRON3] what was missed is sent once, for the newest time; nothing is sent twice", async () => {
    await using folder = await temporaryFolder({ ...FILES, "crons/hourly/CRON.md": cronText("schedule: 0 * * * *") });
    const lives = [
      { start: "2026-01-01T00:10:00Z", end: "2026-01-01T01:00:00Z", sent: ["01:00:00"] },
      { start: "2026-01-01T01:00:00Z", end: "2026-01-01T01:59:59Z", sent: ["01:00:00"] },
      { start: "2026-01-01T05:30:00Z", end: "2026-01-01T05:40:00Z", sent: ["01:00:00", "05:00:00"] },
      { start: "2026-01-01T05:50:00Z", end: "2026-01-01T06:00:00Z", sent: ["01:00:00", "05:00:00", "06:00:00"] },
    ];
    for (const { start, end, sent } of lives) {
      await using crons = await startCrons(folder.path, start);
      await crons.clock.moveTo(end);
      expect(await crons.times()).toEqual(sent);
    }
  });

  test("[CRON3] a cron that has never been due is caught up with from when it was first seen", async () => {
    await using folder = await temporaryFolder({ ...FILES, "crons/hourly/CRON.md": cronText("schedule: 0 * * * *") });
    for (const [now, sent] of [
      ["2026-01-01T00:10:00Z", []],
      ["2026-01-01T00:20:00Z", []],
      ["2026-01-01T02:20:00Z", ["02:00:00"]],
    ] as const) {
      await using crons = await startCrons(folder.path, now);
      await crons.clock.untilIdle();
      expect(await crons.times()).toEqual(sent);
    }
  });

  test("[CRON3] while the server sleeps with its computer, or is paused, the same holds", async () => {
    await using folder = await temporaryFolder({ ...FILES, "crons/hourly/CRON.md": cronText("schedule: 0 * * * *") });
    await using crons = await startCrons(folder.path, "2026-01-01T00:10:00Z");
    await crons.clock.moveTo("2026-01-01T07:10:00Z");
    expect(await crons.times()).toEqual(["07:00:00"]);
  });
});
