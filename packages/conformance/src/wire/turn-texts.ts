import { text, type WireEvent } from "./wire-event.ts";

/**
 * Puts the deltas of every run together as one reader sees them: offset 0 starts afresh, and what the last turn then
 * holds is the answer. A reader whose connection was lost has to be sent the text again from offset 0; until then it
 * has nothing to compare. A run that failed takes its text back.
 */
export class TurnTexts {
  readonly #texts = new Map<string, string>(); // by run_id
  #broken = 0;
  #compared = 0;

  get broken(): number {
    return this.#broken;
  }

  get compared(): number {
    return this.#compared;
  }

  add(event: WireEvent): void {
    const runId = text(event.run_id) ?? "";
    if (event.type === "DeltaEvent") this.#addDelta(runId, event);
    if (event.type === "ToolCallEvent") this.#texts.delete(runId); // that turn is over
    if (event.type === "OutboundEvent") this.#compare(runId, event);
  }

  connectionLost(): void {
    this.#texts.clear();
  }

  #addDelta(runId: string, { offset, content }: WireEvent): void {
    const before = offset === 0 ? "" : this.#texts.get(runId);
    if (before === undefined) return;
    if (before.length !== offset) this.#broken += 1;
    this.#texts.set(runId, before + (text(content) ?? ""));
  }

  #compare(runId: string, { content, error }: WireEvent): void {
    const whole = this.#texts.get(runId);
    this.#texts.delete(runId);
    const isTakenBack = content === "" && typeof error === "string";
    if (whole === undefined || isTakenBack) return;
    this.#compared += 1;
    if (whole !== content) this.#broken += 1;
  }
}
