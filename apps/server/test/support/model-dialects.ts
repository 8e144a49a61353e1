import { callPiece, done, failure, finish, type Reply, type Step, text } from "../llm-provider.ts";

/** How one provider tells the conversation of model-dialects.test.ts: a call of `read` after some text, then the answer. */
export interface ModelDialect {
  readonly provider: string; // its heading in docs/models.md
  readonly replies: readonly Reply[]; // to the requests, in order
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number } | null; // of each turn
  readonly lastBody: Readonly<Record<string, unknown>>; // part of the last request
  readonly neverSent?: readonly string[]; // keys that the last request does not have
}

const COUNTS = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
const USAGE = { input_tokens: 7, output_tokens: 2 };
const ARGUMENTS = '{"path":"notes.md"}';

const chunk = (delta: object, finishReason: string | null = null, more: object = {}): Step => ({
  chunk: {
    id: "c",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...more,
  },
});
const usageAlone: Step = { chunk: { id: "c", choices: [], usage: COUNTS } };
const stream = (...steps: Step[]): Reply => ({ steps: [...steps, done] });

/** An error in the words of OpenAI. */
const refusal = (param: string, code: string, message: string): Reply => ({
  ...failure(400, ""),
  steps: [{ raw: JSON.stringify({ error: { message, type: "invalid_request_error", param, code } }) }],
});

const openAi: ModelDialect = {
  provider: "OpenAI",
  replies: [
    refusal(
      "max_tokens",
      "unsupported_parameter",
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
    refusal(
      "temperature",
      "unsupported_value",
      "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
    ),
    stream(
      chunk({ role: "assistant", content: "", refusal: null }, null, { usage: null, obfuscation: "x" }),
      text("Let me look."),
      callPiece({ index: 0, id: "call_1", type: "function", function: { name: "read", arguments: "" } }),
      ...[...ARGUMENTS].map((piece) => callPiece({ index: 0, function: { arguments: piece } })),
      finish("tool_calls"),
      usageAlone,
    ),
    stream(chunk({ role: "assistant", content: "" }), text("It says "), text("42."), finish("stop"), usageAlone),
  ],
  usage: USAGE,
  lastBody: { max_completion_tokens: 2048, stream_options: { include_usage: true } },
  neverSent: ["max_tokens", "temperature"],
};

/** The whole call in one chunk, with no index and another way to say that it is done; reasoning in a key of its own. */
const ollama: ModelDialect = {
  provider: "Ollama",
  replies: [
    stream(
      chunk({ role: "assistant", content: "", reasoning: "Hm." }),
      chunk({ role: "assistant", content: "Let me look." }),
      chunk({
        role: "assistant",
        content: "",
        tool_calls: [{ id: "", type: "function", function: { name: "read", arguments: { path: "notes.md" } } }],
      }),
      chunk({ role: "assistant", content: "" }, "stop"),
    ),
    stream(chunk({ role: "assistant", content: "It says 42." }), chunk({ content: "" }, "stop")),
  ],
  usage: null,
  lastBody: { max_tokens: 2048, temperature: 0.7 },
};

/** Strict about what it is sent, with errors in a shape of its own; ids anew in every piece. */
const vllm: ModelDialect = {
  provider: "vLLM",
  replies: [
    {
      ...failure(400, ""),
      steps: [
        {
          raw: JSON.stringify({
            object: "error",
            message:
              "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]",
            type: "BadRequestError",
            param: null,
            code: 400,
          }),
        },
      ],
    },
    stream(
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Let me look." }),
      callPiece({ index: 0, id: "chatcmpl-tool-1", type: "function", function: { name: "read" } }),
      callPiece({ index: 0, id: "chatcmpl-tool-2", function: { arguments: '{"path": ' } }),
      callPiece({ index: 0, id: null, function: { name: null, arguments: '"notes.md"}' } }),
      chunk({ content: "" }, "tool_calls", { usage: COUNTS }),
    ),
    stream(chunk({ role: "assistant", content: "" }), chunk({ content: "It says 42." }, "stop", { usage: COUNTS })),
  ],
  usage: USAGE,
  lastBody: { max_tokens: 2048, temperature: 0.7 },
  neverSent: ["stream_options"],
};

/** Null content, no role, usage that counts on in every chunk. */
const llamaCpp: ModelDialect = {
  provider: "llama.cpp",
  replies: [
    stream(
      chunk({ role: "assistant", content: null }),
      chunk({ content: "Let me look." }, null, { usage: { prompt_tokens: 7, completion_tokens: 1 } }),
      callPiece({ index: 0, id: "x", type: "function", function: { name: "read", arguments: "{" } }),
      callPiece({ index: 0, function: { arguments: ARGUMENTS.slice(1) } }),
      chunk({}, "tool_calls", { usage: COUNTS, timings: { predicted_n: 2 } }),
    ),
    stream(chunk({ content: null }), text("It says 42."), chunk({}, "stop", { usage: COUNTS })),
  ],
  usage: USAGE,
  lastBody: { max_tokens: 2048 },
};

/** An empty finish reason in every chunk, and the name of the tool again in every piece. */
const lmStudio: ModelDialect = {
  provider: "LM Studio",
  replies: [
    stream(
      chunk({ role: "assistant", content: "Let me look." }, ""),
      chunk({ tool_calls: [{ index: 0, id: "1", function: { name: "read", arguments: '{"path":' } }] }, ""),
      chunk({ tool_calls: [{ index: 0, id: "1", function: { name: "read", arguments: '"notes.md"}' } }] }, ""),
      chunk({}, "tool_calls"),
      { chunk: { id: "c", choices: null, usage: { prompt_tokens: null } } },
    ),
    stream(chunk({ content: "It says 42." }, ""), chunk({}, "stop")),
  ],
  usage: null,
  lastBody: { max_tokens: 2048 },
};

/** Comments while it waits for a provider; content as a list of parts. */
const openRouter: ModelDialect = {
  provider: "OpenRouter",
  replies: [
    stream(
      { raw: ": OPENROUTER PROCESSING\n\n" },
      { raw: ": OPENROUTER PROCESSING\n\n" },
      chunk({ role: "assistant", content: "", reasoning: "Hm.", reasoning_details: [] }),
      chunk({ role: "assistant", content: [{ type: "text", text: "Let me look." }] }),
      chunk({
        role: "assistant",
        content: null,
        tool_calls: [{ index: 0, id: "toolu_1", type: "function", function: { name: "read", arguments: ARGUMENTS } }],
      }),
      chunk({ role: "assistant", content: "" }, "tool_calls", { native_finish_reason: "tool_use" }),
      { chunk: { choices: [{ index: 0, delta: { role: "assistant", content: "" } }], usage: COUNTS } },
    ),
    stream({ raw: ": OPENROUTER PROCESSING\n\n" }, chunk({ content: "It says 42." }), finish("stop"), usageAlone),
  ],
  usage: USAGE,
  lastBody: { max_tokens: 2048, temperature: 0.7 },
};

export const MODEL_DIALECTS: readonly ModelDialect[] = [openAi, ollama, vllm, llamaCpp, lmStudio, openRouter];
