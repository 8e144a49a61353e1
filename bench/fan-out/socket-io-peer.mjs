import { createServer } from "node:http";
import { Server } from "socket.io";
import { serveOrders } from "./control.ts";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false });
server.listen(0, "127.0.0.1", () => {
  const publish = (events) => {
    for (const event of events) io.emit("event", event);
  };
  serveOrders({ port: server.address().port, publish });
});
