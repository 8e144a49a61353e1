import type { ModelConfig } from "../workspace/config.ts";

/** Models by a part of their name; the first that fits. */
const KNOWN: readonly (readonly [name: RegExp, takesImages: boolean])[] = [
  [/^o[13]-mini/, false],
  [/^(gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-5|o1|o3|o4|claude|gemini|gemma-?3|gemma-?4|pixtral|llama-?4|grok-4)/, true],
  [/vision|-?vl\b|llava/, true],
];

/** Does the model take images (SPEC IMG4)? `chosen` is a session's own model. */
export function takesImages(config: Pick<ModelConfig, "provider" | "model" | "images">, chosen?: string): boolean {
  if (config.provider === "offline") return true; // it says what it cannot do
  const model = chosen ?? config.model;
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  return (
    (model === config.model ? config.images : undefined) ?? KNOWN.find(([known]) => known.test(name))?.[1] ?? false
  );
}
