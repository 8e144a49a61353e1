import { expect, test } from "vitest";
import { openWorkspace } from "../../src/workspace/open-workspace.ts";
import { editWorkspace } from "../support/edited-workspace.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { says, startScriptedModel } from "../support/scripted-model.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../workspace-folder.ts";

const EVERY_SECOND = "---\nname: Tick\nschedule: '* * * * * *'\n---\nTick.\n";

test("[CRON1] [WSP2] a CRON.md with a fault is skipped with one warning that names it; the others load", async () => {
  const text = (front: string, body = "Hello") => `---\n${front}\n---\n${body}\n`;
  const faults: Record<string, [text: string, warning: RegExp]> = {
    nameless: [text("schedule: '@daily'"), /^crons\/nameless\/CRON\.md: name: skipped: is missing$/],
    timeless: [text("name: Timeless"), /^crons\/timeless\/CRON\.md: schedule: skipped: is missing$/],
    wrong: [text("name: Wrong\nschedule: 99 * * * *"), /^crons\/wrong\/CRON\.md:3: schedule: skipped: .*minute/],
    words: [text("name: Words\nschedule: at noon"), /^crons\/words\/CRON\.md:3: schedule: skipped: /],
    zone: [text("name: Z\nschedule: '@daily'\ntime_zone: Mars/Base"), /^crons\/zone\/CRON\.md:4: time_zone: skipped: /],
    agentless: [
      text("name: A\nschedule: '@daily'\nagent: nobody"),
      /CRON\.md:4: agent: skipped: there is no agent "nobo/,
    ],
    foreign: [text("name: F\nschedule: '@daily'\nsource: agent:x"), /CRON\.md:4: source: skipped: must be platform-ws/],
    silent: [text("name: S\nschedule: '@daily'", ""), /^crons\/silent\/CRON\.md: skipped: has no text/],
    long: [
      text("name: L\nschedule: '@daily'", "x".repeat(70_000)),
      /^crons\/long\/CRON\.md: skipped: its text is longer/,
    ],
    broken: ["no front matter", /^crons\/broken\/CRON\.md.*skipped/],
  };
  await using folder = await temporaryFolder({
    "config.user.yaml": "llm: { provider: offline }\n",
    "agents/pickle/AGENT.md": "---\nname: Pickle\n---\nYou are Pickle.\n",
    "crons/good/CRON.md": text("name: Good\nschedule: 0 9 * * 1-5\ntime_zone: Europe/Berlin\nsource: platform-ws:me"),
    ...Object.fromEntries(Object.entries(faults).map(([id, [file]]) => [`crons/${id}/CRON.md`, file])),
  });
  const { crons, warnings } = await openWorkspace(folder.path, { env: {} });
  expect([...crons.keys()]).toEqual(["good"]);
  expect(crons.get("good")).toEqual({
    cronId: "good",
    name: "Good",
    schedule: "0 9 * * 1-5",
    timeZone: "Europe/Berlin",
    agentId: undefined,
    source: "platform-ws:me",
    isEnabled: true,
    content: "Hello",
  });
  expect(warnings).toHaveLength(Object.keys(faults).length);
  for (const [, warning] of Object.values(faults)) expect(warnings).toContainEqual(expect.stringMatching(warning));
});

function dueTimes({ frames }: RawClient): string[] {
  return frames.filter(({ type }) => type === "InboundEvent").map(({ message_id }) => String(message_id));
}

test("[CRON2] [CRON3] each second, by the real clock: kill -9 at any moment neither doubles nor loses one", async () => {
  await using model = await startScriptedModel(says("Tock."));
  await using server = await startServer({
    config: { llm: model.llm },
    files: { "crons/tick/CRON.md": EVERY_SECOND },
  });
  for (let life = 0; life < 3; life++) {
    await using client = await connectRaw(server.url, "?events=all");
    await client.next("InboundEvent");
    if (life % 2 === 0) await client.next("OutboundEvent");
    await server.stop("SIGKILL");
    await server.start();
  }
  await using client = await connectRaw(server.url, "?events=all&after=0");
  await client.next("SyncedEvent");
  await client.next("OutboundEvent");
  const times = dueTimes(client);
  expect(times.length).toBeGreaterThan(3);
  expect(new Set(times).size).toBe(times.length);
  expect(times).toEqual(times.toSorted());
  const answered = client.frames.filter(({ type }) => type === "OutboundEvent");
  expect(new Set(answered.map(({ run_id }) => run_id)).size).toBe(answered.length);
}, 90_000); // four starts of a server, on whatever machine

test("[CRON4] [WSP7] [WSP8] crons come, change and go without a restart; a fault in one that is in use is refused", async () => {
  await using model = await startScriptedModel(says("Tock."));
  const other = EVERY_SECOND.replace("Tick", "Other");
  await using server = await startServer({ config: { llm: model.llm }, files: { "crons/other/CRON.md": other } });
  await using client = await connectRaw(server.url, "?events=all");
  const workspace = editWorkspace(server);
  const file = "crons/tick/CRON.md";
  await workspace.use(() => workspace.write(file, EVERY_SECOND));
  const next = async (content: string): Promise<void> => {
    while ((await client.next("InboundEvent")).content !== content);
  };
  await next("Tick.");
  const problem = await workspace.refuse(() => workspace.write(file, EVERY_SECOND.replace("* * *", "x y z")));
  expect(problem).toMatch(/^crons\/tick\/CRON\.md:3: schedule: .*; mend it, or remove the folder crons\/tick$/);
  await next("Tick."); // it goes on as it was
  await workspace.use(() => workspace.write(file, EVERY_SECOND.replace("Tick.", "Tack.")));
  await next("Tack.");
  await workspace.use(() => workspace.remove("crons/tick"));
  const removed = client.frames.length;
  for (let i = 0; i < 3; i++) while ((await client.next("InboundEvent")).source !== "cron:other");
  const sources = client.frames
    .slice(removed)
    .filter(({ type }) => type === "InboundEvent")
    .map(({ source }) => source);
  expect(sources.filter((source) => source === "cron:tick").length).toBeLessThanOrEqual(1); // in the moment of the removal
});
