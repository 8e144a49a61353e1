import { codeSpan } from "../code-span.ts";
import type { Command } from "./command.ts";

const DEFAULT = "default";
const MAX_NAME = 200; // characters

export const modelCommand: Command = {
  name: "model",
  aliases: [],
  arguments: "[name]",
  description:
    "tells this session's model, or changes it to another one of the same provider; `default` is its agent's",
  run: ({ findAgent }, { args: [wanted], session }) => {
    const llm = findAgent(session.agent_id)?.definition.llm;
    if (llm === undefined) return { content: "The agent of this session was removed; `/agent` lists the others." };
    const own =
      session.model === null ? "its agent's" : `chosen for this session; its agent's is ${codeSpan(llm.model)}`;
    if (wanted === undefined) return { content: `The model is ${codeSpan(session.model ?? llm.model)} (${own}).` };
    if (llm.provider === "offline")
      return { content: "The offline model is the only one until a provider is configured." };
    if (wanted.length > MAX_NAME) return { content: `A model's name has at most ${MAX_NAME} characters.` };
    const model = wanted.toLowerCase() === DEFAULT ? null : wanted;
    return {
      content: `The model of this session is ${codeSpan(model ?? llm.model)} from now on.`,
      changes: [{ action: "model_changed", model }],
    };
  },
};
