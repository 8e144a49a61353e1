import { serveOrders } from "./control.ts";

const server = globalThis.Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, bun) => (bun.upgrade(request) ? undefined : new Response("")),
  websocket: { perMessageDeflate: false, open: (socket) => socket.subscribe("events"), message: () => undefined },
});
const publish = (events) => {
  for (const event of events) server.publish("events", JSON.stringify(event));
};
serveOrders({ port: server.port, publish });
