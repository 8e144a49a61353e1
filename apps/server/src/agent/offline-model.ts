import { setTimeout as delay } from "node:timers/promises";
import type { LanguageModel, ModelEvent, ModelMessage, ModelRequest, ModelToolCall } from "./language-model.ts";
import { reply, replyToImage, replyToTool } from "./offline-replies.ts";

const label = "*(offline model)*\n\n";
const MAX_PROMPT_CHARS = 2000; // what it looks at; patterns stay fast whatever is sent

export interface OfflineModelOptions {
  /** Pause between two words; 15 ms unless told. */
  readonly chunkDelayMs?: number | undefined;
}

/** A scripted stand-in for a language model: no key, no network, the same answer to the same conversation (SPEC RUN10). */
export function createOfflineModel({ chunkDelayMs = 15 }: OfflineModelOptions = {}): LanguageModel {
  return {
    async *stream(request, signal): AsyncGenerator<ModelEvent> {
      signal.throwIfAborted();
      const call = findToolCall(request);
      const text = call ? "" : label + answer(request);
      for (const [chunk] of text.matchAll(/\S+\s*/g)) {
        yield { type: "text", content: chunk };
        await delay(chunkDelayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
      if (call) yield { type: "tool_call", call };
      const usage = {
        input_tokens: countTokens(request.messages),
        output_tokens: roughTokens(text + (call?.arguments ?? "")),
      };
      yield { type: "finish", reason: call ? "tool_calls" : "stop", usage, model: "offline", cost: null };
    },
  };
}

function answer({ messages, tools }: ModelRequest): string {
  const last = messages.at(-1);
  if (last?.role === "tool") return replyToTool(findAsked(messages, last.tool_call_id), last.content);
  const [image] = (last?.role === "user" && last.images) || [];
  if (image) return replyToImage(image);
  const skillIds = listSkillIds({ messages, tools });
  return reply({ said: userTexts(messages), skillIds, canRead: tools.some(({ name }) => name === "read") });
}

/** The file or skill that the last message asks for, if there is a tool for it. */
function findToolCall(request: ModelRequest): ModelToolCall | undefined {
  const last = request.messages.at(-1);
  if (last?.role !== "user") return undefined;
  const text = last.content.slice(0, MAX_PROMPT_CHARS);
  const id = `offline_${request.messages.length}`;
  const path = request.tools.some(({ name }) => name === "read") ? findPath(text) : undefined;
  if (path !== undefined) return { id, name: "read", arguments: JSON.stringify({ path }) };
  const words = text.toLowerCase().replace(/[\s_]+/g, "-");
  const skill = listSkillIds(request).find((skillId) => words.includes(skillId.toLowerCase().replace(/_/g, "-")));
  return skill === undefined ? undefined : { id, name: "skill", arguments: JSON.stringify({ skill_name: skill }) };
}

/** "read README.md", "what is in notes/today.md?" → the path: something with a slash or an extension. */
function findPath(text: string): string | undefined {
  const asked =
    /\b(?:read|open|show|view|print|cat|summari[sz]e|look (?:at|into)|what(?:'s|’s| is) in(?:side)?)\s+(?:(?:me|us|the|my|your|file|contents?|of|in)\s+){0,4}[`"'“]?([^\s`"'”“?!,;]+)/i;
  const path = asked.exec(text)?.[1]?.replace(/[.:)]+$/, "");
  const isPath = path !== undefined && /\/|\.\w/.test(path) && !path.includes("://");
  return isPath ? path : undefined;
}

/** The skill tool's description has a line for each: `- id: description`. */
function listSkillIds({ tools }: ModelRequest): string[] {
  const description = tools.find(({ name }) => name === "skill")?.description ?? "";
  return [...description.matchAll(/^- ([\w-]+):/gm)].flatMap(([, id]) => (id === undefined ? [] : [id]));
}

function userTexts(messages: readonly ModelMessage[]): string[] {
  return messages.filter(({ role }) => role === "user").map(({ content }) => content.slice(0, MAX_PROMPT_CHARS).trim());
}

/** What the tool call was about: `README.md`, `meeting-notes`. */
function findAsked(messages: readonly ModelMessage[], toolCallId: string): string {
  const calls = messages.flatMap((message) => (message.role === "assistant" ? (message.tool_calls ?? []) : []));
  const args = calls.findLast(({ id }) => id === toolCallId)?.arguments ?? "";
  return /:\s*"([^"]*)"/.exec(args)?.[1] ?? "it";
}

function countTokens(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, { content }) => sum + roughTokens(content), 0);
}

function roughTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
