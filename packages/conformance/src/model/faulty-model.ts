import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Exchange, FaultyReply } from "./faulty-reply.ts";
import { readBody } from "./scripted-model.ts";

export interface ChatMessage {
  readonly role: string;
  readonly content: string | null;
}

/** What is asked of the model. */
export interface Asked {
  /** The last message of the user, which tells the model what to do. */
  readonly content: string;
  readonly messages: readonly ChatMessage[];
}

/** Answers one request. A rejection ends the connection. */
export type Play = (reply: FaultyReply, asked: Asked) => Promise<void> | void;

export interface FaultyModel extends AsyncDisposable {
  /** For `llm.api_base` of the server under test. */
  readonly baseUrl: string;
  /** All requests for one message, the tool rounds too. */
  exchanges(content: string): readonly Exchange[];
}

/** An OpenAI-compatible server over real HTTP that misbehaves as it is told. */
export async function startFaultyModel(play: Play): Promise<FaultyModel> {
  const exchanges = new Map<string, FaultyReply[]>(); // by content of the message
  const server = createServer({ noDelay: true }, (request, response) => {
    response.on("error", () => undefined); // the other side is gone: `close` tells
    readBody(request)
      .then(async (body) => {
        const { messages }: { messages: ChatMessage[] } = JSON.parse(body);
        const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
        const earlier = exchanges.get(content) ?? [];
        const reply = new FaultyReply(response, earlier.length + 1);
        exchanges.set(content, [...earlier, reply]);
        await play(reply, { content, messages });
      })
      .catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    exchanges: (content) => exchanges.get(content) ?? [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
