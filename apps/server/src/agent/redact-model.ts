import { type LanguageModel, ModelError, type ModelEvent, type ModelRequest } from "./language-model.ts";
import type { Redactor } from "./redact.ts";

/** Takes secrets out of what a model says, calls and fails with: it may have them from its user or its provider (SPEC TOOL13). */
export function redactModel(model: LanguageModel, redactor: Redactor): LanguageModel {
  return { stream: (request, signal) => redactStream(model, redactor, { request, signal }) };
}

async function* redactStream(
  model: LanguageModel,
  redactor: Redactor,
  { request, signal }: { readonly request: ModelRequest; readonly signal: AbortSignal },
): AsyncGenerator<ModelEvent> {
  let text = redactor.stream();
  let reasoning = redactor.stream();
  try {
    for await (const event of model.stream(request, signal)) {
      if (event.type === "text") {
        yield* toText(text.add(event.content));
        continue;
      }
      if (event.type === "reasoning") {
        yield* toReasoning(reasoning.add(event.content));
        continue;
      }
      if (event.type === "restart") [text, reasoning] = [redactor.stream(), redactor.stream()];
      else yield* [...toReasoning(reasoning.end()), ...toText(text.end())];
      yield event.type === "tool_call"
        ? { ...event, call: { ...event.call, arguments: redactor.redact(event.call.arguments) } }
        : event;
    }
  } catch (cause) {
    yield* toText(text.end()); // a stopped run keeps what was said
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError(redactor.redact(cause.message), { cause });
  }
}

function toText(content: string): ModelEvent[] {
  return content === "" ? [] : [{ type: "text", content }];
}

function toReasoning(content: string): ModelEvent[] {
  return content === "" ? [] : [{ type: "reasoning", content }];
}
