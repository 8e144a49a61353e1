import type { Attachment } from "@my-bot/protocol";
import { MyBotClientError, type MyBotClientErrorCode } from "./client-error.ts";
import type { CallOptions } from "./my-bot-client.ts";
import { backoffMs, eitherSignal, sleep } from "./retry.ts";

export interface AttachmentsDeps {
  /** The address of all images. */
  readonly url: string;
  readonly token: string | undefined;
  /** Aborts when the client closes. */
  readonly closing: AbortSignal;
}

type Read<T> = (response: Response) => Promise<T>;

const FOR_NOW: readonly number[] = [429, 503]; // the same can succeed later

/** Images go by HTTP, beside the socket: none of them can hold up the events. */
export class Attachments {
  readonly #deps: AttachmentsDeps;

  constructor(deps: AttachmentsDeps) {
    this.#deps = deps;
  }

  async upload(image: Blob | Uint8Array<ArrayBuffer>, options: CallOptions = {}): Promise<Attachment> {
    const read = async (response: Response) => (await response.json()) as Attachment;
    return this.#request("", { method: "POST", body: image }, { ...options, read });
  }

  async download(attachmentId: string, options: CallOptions = {}): Promise<Blob> {
    const read = (response: Response) => response.blob();
    return this.#request(`/${encodeURIComponent(attachmentId)}`, { method: "GET" }, { ...options, read });
  }

  /** Both may be made again: an image has the same id each time. */
  async #request<T>(path: string, init: RequestInit, options: CallOptions & { read: Read<T> }): Promise<T> {
    const { url, token, closing } = this.#deps;
    const signal = eitherSignal(closing, options.signal);
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        const response = await fetch(url + path, { ...init, headers, signal });
        if (response.ok) return await options.read(response);
        if (!FOR_NOW.includes(response.status)) throw await toClientError(response);
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof MyBotClientError) throw cause; // else the connection was lost
      }
      await sleep(backoffMs(failures + 1), signal);
    }
  }
}

async function toClientError(response: Response): Promise<MyBotClientError> {
  const body: unknown = await response.json().catch(() => undefined);
  if (isErrorBody(body)) return new MyBotClientError(body.code, body.message);
  return new MyBotClientError("BAD_REQUEST", `The server answered with status ${response.status}`);
}

function isErrorBody(body: unknown): body is { code: MyBotClientErrorCode; message: string } {
  return typeof body === "object" && body !== null && "code" in body && "message" in body;
}
