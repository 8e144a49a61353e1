import { type Attachment, type AttachmentData, BotError } from "@my-bot/protocol";
import { takesImages } from "./agent/takes-images.ts";
import { inspectImage } from "./inspect-image.ts";
import type { AttachmentStore } from "./session/attachment-store.ts";
import type { AgentDefinition } from "./workspace/agent-definition.ts";

export async function upload(store: AttachmentStore, data: Uint8Array, limit: number): Promise<Attachment> {
  if (data.byteLength > limit) {
    throw new BotError("PAYLOAD_TOO_LARGE", `The image is ${data.byteLength} bytes; the limit is ${limit}`);
  }
  const attachment = inspectImage(data);
  await store.put(attachment, data);
  return attachment;
}

export function download(store: AttachmentStore, id: string): AttachmentData {
  const found = store.read(id);
  if (found === undefined) throw new BotError("NOT_FOUND", `Unknown attachment "${id}"`);
  return found;
}

/** What a message brings, if the model that will answer it takes images. Throws BotError (SPEC IMG2, IMG4). */
export function findAttachments(
  store: AttachmentStore,
  ids: readonly string[],
  { agent, chosen }: { readonly agent: AgentDefinition | undefined; readonly chosen: string | null },
): Attachment[] {
  const attachments = ids.map((id) => {
    const found = store.find(id);
    if (found === undefined) throw new BotError("NOT_FOUND", `Unknown attachment "${id}"; upload it first`);
    return found;
  });
  if (agent === undefined || takesImages(agent.llm, chosen ?? undefined)) return attachments;
  const model = chosen ?? agent.llm.model;
  throw new BotError(
    "BAD_REQUEST",
    `The model "${model}" of the agent "${agent.agentId}" is not known to take images; choose another, or set llm.images: true if it does`,
  );
}
