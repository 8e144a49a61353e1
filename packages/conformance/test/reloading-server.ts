/**
 * A small server that reads its workspace again for each message, asks the model and answers, over `/ws?events=all` only;
 * with one word on its command line it breaks a promise: `reloading-server.ts <port> <folder> [mutation]`. What is good it
 * knows by the marks that the run of the kit writes into good files.
 */
import { constants, lstatSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { WebSocketServer } from "ws";

const [port, folder = ".", mutation = ""] = process.argv.slice(2);
const PATHS = { config: "config.user.yaml", agent: "agents/pickle/AGENT.md", skill: "skills/greeting/SKILL.md" };
const LARGEST = 100_000;
const inUse = { config: "", agent: "", skill: "" };
const { llm } = JSON.parse(readFileSync(join(folder, PATHS.config), "utf8"));
const records: string[] = [];
let count = 0;

/** The mark of what stands there now; undefined when that is bad. */
function readMark(file: keyof typeof PATHS): string | undefined {
  const path = join(folder, PATHS[file]);
  try {
    const stats = lstatSync(path);
    if (!stats.isFile() || stats.size > LARGEST) return undefined;
    // it may be gone or a pipe by now
    const flag = constants.O_RDONLY | constants.O_NONBLOCK;
    return /good-\d+/.exec(readFileSync(path, { encoding: "utf8", flag }))?.[0];
  } catch {
    return undefined;
  }
}

/** Returns whether all files are good. */
function reload(): boolean {
  if (mutation === "never reads again" && inUse.config !== "") return true;
  const marks = { config: readMark("config"), agent: readMark("agent"), skill: readMark("skill") };
  const { config, agent, skill } = marks;
  const isGood = config !== undefined && agent !== undefined && skill !== undefined;
  if (isGood) Object.assign(inUse, marks);
  if (isGood || count < 20) return true; // a run has begun well before it goes wrong
  if (mutation === "uses what is bad") inUse.agent = "BAD";
  if (mutation === "dies of what is bad") process.exit(1);
  if (mutation === "sends everyone away") for (const client of sockets.clients) client.close(1012);
  return false;
}

async function ask(content: string): Promise<void> {
  const system = `prompt ${inUse.agent}\n- greeting: ${inUse.skill}`;
  const messages = [
    { role: "system", content: system },
    { role: "user", content },
  ];
  const body = JSON.stringify({ model: inUse.config, stream: true, messages });
  await (await fetch(`${llm.api_base}/chat/completions`, { method: "POST", body })).text();
}

function publish(event: object): void {
  const record = JSON.stringify({ ...event, cursor: `r-${records.length}` });
  records.push(record);
  for (const client of sockets.clients) client.send(record);
}

async function receive(text: string): Promise<void> {
  const { source, content, message_id } = JSON.parse(text);
  const run_id = `run-${count++}`;
  publish({ type: "InboundEvent", source, content, message_id, run_id });
  const isGood = reload();
  if (!isGood && mutation === "answers nothing") return;
  const error = !isGood && mutation === "fails runs" ? "the workspace is bad" : null;
  await ask(content);
  publish({ type: "OutboundEvent", content: "ok", error, run_id });
}

const server = createServer((_request, response) => void response.end("ok"));
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  for (const record of records) socket.send(record);
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => void receive(data.toString()));
});
process.on("SIGTERM", () => process.exit(mutation === "stops with an error" ? 1 : 0));
reload(); // the first version is a good one
server.listen(Number(port), "127.0.0.1");
