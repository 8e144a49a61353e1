/** What a configuration says beside the address of the model; each wins over what is usual. */
export interface ConfigChanges {
  readonly llm?: object;
  readonly api?: object;
  readonly events?: object;
  readonly tools?: object;
}

/** So high that nothing is refused but what a run breaks. */
const LIMITS = { messages_per_second: 1_000_000, queued_messages: 1_000_000 };

/** The configuration of a server whose model is at this address. */
export function configFor(modelUrl: string, { llm, api, ...more }: ConfigChanges = {}) {
  const usual = { provider: "openai", model: "scripted", api_key: "sk-test-1234567890", api_base: modelUrl };
  return { llm: { ...usual, ...llm }, api: { limits: LIMITS, ...api }, ...more };
}
