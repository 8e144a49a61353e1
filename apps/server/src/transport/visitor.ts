import type { WrongTokens } from "./wrong-tokens.ts";

export interface VisitorOptions {
  /** Undefined: of a program of this machine. */
  readonly sender: string | undefined;
  readonly wrongTokens: WrongTokens;
  readonly isToken: (token: string) => boolean;
}

/** Whoever is behind one request, or behind a socket from its upgrade to its end. */
export class Visitor {
  readonly #options: VisitorOptions;
  #isKnown: boolean;
  #isCounted = false;

  constructor(options: VisitorOptions) {
    this.#options = options;
    this.#isKnown = options.isToken("");
  }

  /** Has shown the token, or none is configured. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Is this the token? Who repeats a wrong one has guessed once (SPEC DOOR10). True when none is configured. */
  shows(token: string | undefined): boolean {
    const { sender, wrongTokens, isToken } = this.#options;
    this.#isKnown = isToken(token ?? "");
    if (!this.#isKnown && !this.#isCounted && token !== undefined) {
      this.#isCounted = true;
      wrongTokens.count(sender);
    }
    return this.#isKnown;
  }
}
