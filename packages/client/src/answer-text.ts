import type { DeltaEvent } from "@my-bot/protocol";

type Piece = Pick<DeltaEvent, "turn" | "offset" | "content">;

/**
 * The text of one run, turn by turn. Deltas may repeat, overlap or start afresh, and what was missed of them comes with
 * the durable events; each piece of text is given out once (SPEC CLT5).
 */
export class AnswerText {
  #turn = 0;
  #shown = "";

  /** The part that is new: it continues the turn's text, or replaces it when its offset is 0. */
  add({ turn, offset, content }: Piece): Piece | undefined {
    const before = turn === this.#turn ? this.#shown : "";
    if (turn < this.#turn || offset > before.length) return undefined; // some were skipped: the whole is on its way
    const whole = before.slice(0, offset) + content;
    const kept = whole.startsWith(before) ? before.length : 0;
    this.#turn = turn;
    this.#shown = whole;
    return whole === before ? undefined : { turn, offset: kept, content: whole.slice(kept) };
  }

  /** The text of a turn that ended with tool calls: the first call's content, which may be empty. */
  endTurn(turn: number, content: string): Piece | undefined {
    const rest = this.add({ turn, offset: 0, content });
    if (turn >= this.#turn) {
      this.#turn = turn + 1;
      this.#shown = "";
    }
    return rest;
  }

  /** The text of the last turn. */
  end(content: string): Piece | undefined {
    return this.add({ turn: this.#turn, offset: 0, content });
  }
}
