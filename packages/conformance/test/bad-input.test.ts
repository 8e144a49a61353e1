import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { runBadInput } from "../src/bad-input.ts";
import { prepareServerCommand } from "../src/server-command.ts";
import { createWorkspace } from "../src/workspace.ts";

const ROOT = join(import.meta.dirname, "../../..");
const BIN = join(ROOT, "apps/server/bin/my-bot.js");
const SECRET = "sk-test-planted-9876543210";

test("[WS3] [DOOR2] [DOOR3] [DOOR4] [RPC5] some 300 bad inputs and 5 000 random frames end nothing, hurt nobody and learn nothing (P10)", async () => {
  const config = { llm: { provider: "offline", api_key: SECRET } };
  using workspace = createWorkspace({ config });
  const command = `"${process.execPath}" "${BIN}" server -w {workspace} --port {port}`;
  await using server = await prepareServerCommand({ command, workspaceDir: workspace.dir });
  server.launch();
  expect(await server.ready()).toBe(true);
  const result = await runBadInput({
    url: `http://127.0.0.1:${server.port}`,
    randomFrames: 5000,
    seed: 20_262,
    secrets: [SECRET, workspace.dir],
  });
  expect(result).toMatchObject({ deaths: [], leaks: [], wrong: [], hurt: [] });
  expect(result.cases).toBeGreaterThan(250);
  expect(result.healthySent).toBeGreaterThan(50);
  expect(result.healthyP99Ms).toBeLessThan(1000); // the promise is 250 ms; a busy machine gets more
  expect(await server.terminate()).toBe(0); // still the process that was started
}, 180_000);

test("[WS3] [DOOR4] [RPC5] a server that answers wrongly, tells its stack and hangs up on others is found out", async () => {
  const server = createServer((_request, response) => response.end(new Error("oops").stack));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", () => {
      for (const other of sockets.clients) other.terminate();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { leaks, wrong, hurt } = await runBadInput({
    url: `http://127.0.0.1:${port}`,
    randomFrames: 0,
    seed: 1,
    secrets: [],
    waitMs: 100,
  });
  expect(leaks.length).toBeGreaterThan(10);
  expect(wrong.length).toBeGreaterThan(50);
  expect(hurt.length).toBeGreaterThan(0);
  server.closeAllConnections();
  server.close();
}, 180_000);

test("[DOOR4] a server that is gone is a death", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", () => {
      socket.terminate();
      server.closeAllConnections();
      server.close();
      sockets.close();
      server.unref();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options = { url: `http://127.0.0.1:${port}`, randomFrames: 0, seed: 1, secrets: [] };
  expect((await runBadInput(options)).deaths.length).toBeGreaterThan(100);
}, 60_000);
