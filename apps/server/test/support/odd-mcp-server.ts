// A program: an MCP server on standard input and output, written by hand so that it can be wrong in many ways.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: object; readonly requestId?: number };
}

const [behaviour = "", file = "", ...names] = process.argv.slice(2);
let tools = names.length > 0 ? names : ["work"];

const write = (message: object): void =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const note = (text: string | number): void => {
  if (file !== "") appendFileSync(file, `${text}\n`);
};

const flood = (): void => void process.stdout.write(`${"no message ".repeat(1000)}\n`, flood);

const woken = behaviour === "late" ? once(process, "SIGUSR1") : Promise.resolve();
note(process.pid);
switch (behaviour) {
  case "flood":
    flood();
    break;
  case "crash":
    process.stderr.write(`cannot go on with ${process.env.PLANTED_SECRET}\n`);
    process.exit(3);
    break;
  case "stubborn": {
    // does not end by itself, and neither does its child, which has a session of its own
    process.on("SIGTERM", () => undefined);
    const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    note(child.pid ?? 0);
    setInterval(() => undefined, 1000);
  }
}
process.stdout.write("Welcome! (a greeting that is no message)\n");

createInterface(process.stdin).on("line", async (line) => {
  await woken;
  answer(JSON.parse(line));
});

function answer({ id, method, params }: Request): void {
  const reply = (result: object): void => write({ id, result });
  switch (method) {
    case "initialize":
      reply({
        protocolVersion: "2025-06-18",
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: "odd", version: "1" },
      });
      break;
    case "tools/list":
      reply({ tools: tools.map(describe) });
      break;
    case "tools/call":
      note(`called ${id}`);
      call(params?.name ?? "", params?.arguments ?? {}, { reply, refuse: (error) => write({ id, error }) });
      break;
    case "notifications/cancelled":
      note(`cancelled ${params?.requestId}`);
      break;
    case "ping":
      if (behaviour !== "hangs") reply({});
  }
}

function describe(name: string): object {
  const inputSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
  return { name, description: `Does ${name}`, inputSchema, annotations: { readOnlyHint: name === "look" } };
}

interface Answers {
  readonly reply: (result: object) => void;
  readonly refuse: (error: object) => void;
}

function call(name: string, args: object, { reply, refuse }: Answers): void {
  if (behaviour === "hangs" || behaviour === "slow") return;
  if (behaviour === "dies") process.kill(process.pid, "SIGKILL");
  if (behaviour === "refuses") {
    refuse({ code: -32602, message: "no such cat" });
    return;
  }
  if (behaviour === "grows") {
    tools = [...tools, "more"];
    write({ method: "notifications/tools/list_changed" });
  }
  reply({ content: [{ type: "text", text: `${name} ${JSON.stringify(args)}` }] });
}
