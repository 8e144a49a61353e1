import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { runBadInput } from "../src/bad-input/bad-input.ts";
import { runBadInputCommand } from "../src/bad-input/bad-input-command.ts";

const ROOT = join(import.meta.dirname, "../../..");
const COMMAND = `"${process.execPath}" "${join(ROOT, "apps/server/bin/my-bot.js")}" server -w {workspace} --port {port}`;
const silent = (): void => undefined;

test("[WS3] [DOOR2] [DOOR3] [DOOR4] [RPC5] some 300 bad inputs and 5 000 random frames end nothing, hurt nobody and learn nothing (P10)", async () => {
  const { findings, verdict, facts } = await runBadInputCommand(
    { command: COMMAND, frames: 5000, seed: 20_262 },
    silent,
  );
  expect(findings).toEqual({ deaths: [], leaks: [], wrong: [], hurt: [] });
  expect(verdict.notTheSame).toBe(0);
  expect(facts.cases).toBeGreaterThan(250);
  expect(facts.healthySent).toBeGreaterThan(50);
  expect(facts.healthyP99Ms).toBeLessThan(1000); // the promise is 250 ms; a busy machine gets more
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
  const options = { url: `http://127.0.0.1:${port}`, randomFrames: 0, seed: 1, secrets: [], waitMs: 100 };
  const { verdict } = await runBadInput(options, silent);
  expect(verdict.leaks).toBeGreaterThan(10);
  expect(verdict.wrong).toBeGreaterThan(50);
  expect(verdict.hurt).toBeGreaterThan(0);
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
  expect((await runBadInput(options, silent)).verdict.deaths).toBeGreaterThan(100);
}, 60_000);
