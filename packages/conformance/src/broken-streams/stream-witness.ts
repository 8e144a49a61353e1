import { TurnTexts } from "../wire/turn-texts.ts";
import { text, type WireEvent } from "../wire/wire-event.ts";

/** What one reader has on its screen. It forgets nothing when its connection is lost: only offset 0 begins a text afresh. */
export class StreamWitness {
  readonly texts = new TurnTexts();
  readonly #contents = new Map<string, string>(); // of the message, by run_id
  readonly #shown = new Map<string, string>(); // by content of the message
  readonly #answered = new Set<string>();
  #resets = 0;

  /** How often a text that had begun was begun afresh. */
  get resets(): number {
    return this.#resets;
  }

  take(event: WireEvent): void {
    this.texts.add(event);
    const runId = text(event.run_id) ?? "";
    const content = text(event.content) ?? "";
    if (event.type === "InboundEvent") this.#contents.set(runId, content);
    const asked = this.#contents.get(runId) ?? "";
    if (event.type === "OutboundEvent") this.#answered.add(asked);
    if (event.type !== "DeltaEvent") return;
    const before = this.shown(asked);
    if (event.offset === 0 && before !== "") this.#resets += 1;
    this.#shown.set(asked, event.offset === 0 ? content : before + content);
  }

  /** The text of the answer to this message so far. */
  shown(content: string): string {
    return this.#shown.get(content) ?? "";
  }

  isAnswered(content: string): boolean {
    return this.#answered.has(content);
  }
}
