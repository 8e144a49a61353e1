/** What came of one message whose answer broke off on its way. */
export interface BrokenStream {
  /** Undefined: its run is not in the log. */
  readonly answers: readonly { readonly content: string; readonly error: string | null }[];
  /** What each try of the model had written at the end. */
  readonly tries: readonly { readonly text: string; readonly isWhole: boolean }[];
  /** How many tries there have to be; undefined where that is a matter of chance. */
  readonly expectedTries: number | undefined;
}

/** One reader of all answers, which keeps what it was shown when its connection is lost. */
export interface StreamReader {
  /** Answers that its deltas since the last offset 0 did not make, and holes in them. */
  readonly broken: number;
  /** Answers that it had been shown some text of. */
  readonly compared: number;
}

/** Every count has to be zero. */
export interface BrokenStreamsVerdict extends Readonly<Record<string, number>> {
  readonly unanswered: number;
  readonly answeredTwice: number;
  readonly wrongError: number;
  /** The answer is not the whole text of one try. */
  readonly mixedTexts: number;
  readonly wrongTries: number;
  readonly textsBroken: number;
  /** Answers that a reader was shown no text of before they were there. */
  readonly neverShown: number;
}

export function judgeBrokenStreams(
  streams: readonly BrokenStream[],
  readers: readonly StreamReader[],
): BrokenStreamsVerdict {
  const count = (isBroken: (stream: BrokenStream) => boolean): number => streams.filter(isBroken).length;
  const answered = count(({ answers }) => answers.length > 0);
  return {
    unanswered: streams.length - answered,
    answeredTwice: count(({ answers }) => answers.length > 1),
    wrongError: count(({ answers: [answer] }) => answer !== undefined && answer.error !== null),
    mixedTexts: count(isMixed),
    wrongTries: count(({ tries, expectedTries }) => expectedTries !== undefined && tries.length !== expectedTries),
    textsBroken: readers.reduce((sum, { broken }) => sum + broken, 0),
    neverShown: readers.reduce((sum, { compared }) => sum + Math.max(0, answered - compared), 0),
  };
}

function isMixed({ answers: [answer], tries }: BrokenStream): boolean {
  if (answer === undefined || answer.error !== null) return false;
  return !tries.some(({ text, isWhole }) => isWhole && text === answer.content);
}
