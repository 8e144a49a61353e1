/** A durable event as someone saw it. */
export interface SeenEvent {
  readonly cursor: string;
  readonly type: string;
  /** Everything the event says, so that two events under one cursor are told apart. */
  readonly digest: string;
}

export interface LoggedEvent extends SeenEvent {
  readonly messageId?: string | undefined; // of an InboundEvent
  readonly source?: string | undefined; // of an InboundEvent
  readonly runId?: string | undefined;
  readonly content?: string | undefined;
  readonly error?: string | null | undefined; // of an OutboundEvent
}

export interface SentMessage {
  readonly messageId: string;
  readonly sender: string;
  readonly source: string;
  readonly content: string;
  /** Every cursor that it was acknowledged under; empty: never acknowledged. */
  readonly ackCursors: ReadonlySet<string>;
  /** Refused at least once, so that those behind it may have come before it. */
  readonly wasRefused?: boolean;
}

/** Everything that was observed from outside; `sent` and `seen` in their order. */
export interface Observations {
  readonly sent: readonly SentMessage[];
  /** Each from the beginning of the log. */
  readonly subscribers: readonly { readonly name: string; readonly seen: readonly SeenEvent[] }[];
  /** The whole log, read at the end. */
  readonly log: readonly LoggedEvent[];
  /** What the model would say. */
  readonly answerTo: (content: string) => string;
  readonly failedStarts: number;
  readonly termNotClean: number;
  readonly fullDisk?: FullDiskCounts | undefined;
  /** Turns whose deltas did not make the answer. */
  readonly textsBroken: number;
}

/** What went wrong while the disk was full, or after. */
export type FullDiskCounts = {
  /** The process ended by itself. */
  readonly fullDiskDeaths: number;
  /** Reading stopped as well. */
  readonly fullDiskUnreadable: number;
  /** No message was acknowledged within 5 s after there was space again. */
  readonly fullDiskLateAcks: number;
};

/** Every count has to be zero. */
export type Verdict = FullDiskCounts & {
  /** Acknowledged, and not in the log where the acknowledgement says. */
  readonly lostAcked: number;
  readonly stillUnacked: number;
  readonly doubled: number;
  readonly answeredTwice: number;
  readonly neverAnswered: number;
  /** Answered with an error, or with something else than the model said. */
  readonly wronglyAnswered: number;
  /** Seen by a subscriber, and not in the log afterwards. */
  readonly ghosts: number;
  /** A cursor, or the acknowledgement of a message, that stood for two things. */
  readonly idReused: number;
  readonly subGaps: number;
  readonly subDoubles: number;
  readonly subDisorder: number;
  /** Pairs of subscribers that saw the same events in another order. */
  readonly orderBroken: number;
  /** Messages of one sender that overtook each other. */
  readonly senderDisorder: number;
  readonly textsBroken: number;
  readonly failedStarts: number;
  readonly termNotClean: number;
};

const NO_FULL_DISK: FullDiskCounts = { fullDiskDeaths: 0, fullDiskUnreadable: 0, fullDiskLateAcks: 0 };

/** Decides, from what was seen alone, which promises were broken. */
export function judge(observed: Observations): Verdict {
  const { log } = observed;
  const positions = new Map(log.map((event, index) => [identity(event), index]));
  const subscribers = observed.subscribers.map(({ seen }) => judgeSubscriber(seen, positions));
  const sum = (pick: (counts: SubscriberCounts) => number): number =>
    subscribers.reduce((total, counts) => total + pick(counts), 0);
  return {
    ...judgeMessages(observed),
    ...judgeAnswers(observed),
    ghosts: new Set(subscribers.flatMap(({ ghosts }) => ghosts)).size,
    idReused: countReusedIds(observed),
    subGaps: sum(({ gaps }) => gaps),
    subDoubles: sum(({ doubles }) => doubles),
    subDisorder: sum(({ disorder }) => disorder),
    orderBroken: countBrokenPairs(observed.subscribers.map(({ seen }) => seen.map(({ cursor }) => cursor))),
    senderDisorder: countSenderDisorder(observed),
    textsBroken: observed.textsBroken,
    failedStarts: observed.failedStarts,
    termNotClean: observed.termNotClean,
    ...(observed.fullDisk ?? NO_FULL_DISK),
  };
}

function isInbound({ type }: LoggedEvent): boolean {
  return type === "InboundEvent";
}

function judgeMessages({ sent, log }: Observations): Pick<Verdict, "lostAcked" | "stillUnacked" | "doubled"> {
  const byMessage = Map.groupBy(log.filter(isInbound), ({ messageId }) => messageId);
  const isKept = (message: SentMessage, cursor: string): boolean =>
    byMessage.get(message.messageId)?.some((event) => event.cursor === cursor && event.content === message.content) ===
    true;
  return {
    lostAcked: sent.filter((message) => [...message.ackCursors].some((cursor) => !isKept(message, cursor))).length,
    stillUnacked: sent.filter(({ ackCursors }) => ackCursors.size === 0).length,
    doubled: [...byMessage.values()].reduce((count, events) => count + events.length - 1, 0),
  };
}

function judgeAnswers({
  log,
  answerTo,
}: Observations): Pick<Verdict, "answeredTwice" | "neverAnswered" | "wronglyAnswered"> {
  const answers = Map.groupBy(
    log.filter(({ type }) => type === "OutboundEvent"),
    ({ runId }) => runId,
  );
  const asked = log.filter(isInbound);
  const isWrong = ({ runId, content = "" }: LoggedEvent): boolean =>
    answers.get(runId)?.some((answer) => answer.error !== null || answer.content !== answerTo(content)) === true;
  return {
    answeredTwice: [...answers.values()].reduce((count, events) => count + events.length - 1, 0),
    neverAnswered: asked.filter(({ runId }) => !answers.has(runId)).length,
    wronglyAnswered: asked.filter(isWrong).length,
  };
}

interface SubscriberCounts {
  readonly ghosts: readonly string[];
  readonly gaps: number;
  readonly doubles: number;
  readonly disorder: number;
}

/** What was forgotten may have left its cursor to another event: only both together are the same event. */
function identity({ cursor, digest }: SeenEvent): string {
  return `${cursor} ${digest}`;
}

function judgeSubscriber(seen: readonly SeenEvent[], positions: ReadonlyMap<string, number>): SubscriberCounts {
  const distinct = [...new Set(seen.map(identity))];
  const known = distinct.flatMap((id) => positions.get(id) ?? []);
  return {
    ghosts: distinct.filter((id) => !positions.has(id)),
    gaps: positions.size - known.length,
    doubles: seen.length - distinct.length,
    disorder: countDescents(known),
  };
}

/** How often a value is below the one before it. */
function countDescents(values: readonly number[]): number {
  return values.filter((value, index) => value < (values[index - 1] ?? value)).length;
}

function countReusedIds({ sent, subscribers, log }: Observations): number {
  const digests = new Map<string, string>();
  const reused = new Set<string>();
  for (const { cursor, digest } of [...log, ...subscribers.flatMap(({ seen }) => seen)]) {
    if ((digests.get(cursor) ?? digest) !== digest) reused.add(cursor);
    else digests.set(cursor, digest);
  }
  return reused.size + sent.filter(({ ackCursors }) => ackCursors.size > 1).length;
}

function countBrokenPairs(orders: readonly (readonly string[])[]): number {
  const positions = orders.map((order) => new Map(order.map((cursor, index) => [cursor, index])));
  return orders.reduce(
    (count, order, i) =>
      count +
      positions.slice(i + 1).filter((other) => countDescents(order.flatMap((id) => other.get(id) ?? [])) > 0).length,
    0,
  );
}

/** A sender sends in order, and after a lost connection again in order: the log has to keep it, source by source. */
function countSenderDisorder({ sent, log }: Observations): number {
  const position = new Map<string | undefined, number>();
  log.forEach((event, index) => {
    if (isInbound(event) && !position.has(event.messageId)) position.set(event.messageId, index);
  });
  const inOrder = sent.filter(({ wasRefused }) => !wasRefused);
  const lanes = Map.groupBy(inOrder, ({ sender, source }) => `${sender} ${source}`);
  return [...lanes.values()]
    .map((lane) => countDescents(lane.flatMap(({ messageId }) => position.get(messageId) ?? [])))
    .reduce((total, descents) => total + descents, 0);
}
