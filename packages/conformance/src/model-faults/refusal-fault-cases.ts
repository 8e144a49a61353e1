import { answered, type FaultTimes, failed, KEY, type ModelFaultCase, playWell } from "./model-fault-case.ts";

/** L09 to L11. */
export function refusalCases({ longWait }: FaultTimes): ModelFaultCase[] {
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();
  const limited = (retryAfter: () => string): Refusal => [429, () => ({ "retry-after": retryAfter() })];
  const twoSeconds = limited(() => "2");
  return [
    refused("L09-429", [429], 3, failed(/429/, 3)),
    refused("L09-429-once", [429], 1, answered(2)),
    refused("L09-wait-2", twoSeconds, 3, failed(/429/, 3, { atLeastMs: 4000, withinMs: 4000 })),
    refused("L09-wait-2-once", twoSeconds, 1, answered(2, { atLeastMs: 2000, withinMs: 2000 })),
    refused(
      "L09-wait-70",
      limited(() => "70"),
      1,
      failed(/429.*\b70 s/, 1),
    ),
    refused(
      "L09-wait-9999999",
      limited(() => "9999999"),
      1,
      failed(/429.*\b9999999 s/, 1),
    ),
    // a date has whole seconds
    refused(
      "L09-soon-once",
      limited(() => inSeconds(3)),
      1,
      answered(2, { atLeastMs: 1900, withinMs: 3000 }),
    ),
    refused(
      "L09-next-hour",
      limited(() => inSeconds(3600)),
      1,
      failed(/429.*\b3[56]\d\d s/, 1),
    ),
    {
      ...refused(
        "L09-long-wait-once",
        limited(() => String(longWait / 1000)),
        1,
        answered(2, { atLeastMs: longWait, withinMs: longWait }),
      ),
      agent: "patient",
    },
    refused("L10-500", [500], 5, failed(/500/, 3)),
    refused("L10-500-twice", [500], 2, answered(3)),
    ...[400, 401, 403, 404].map((status) => refused(`L11-${status}`, [status], 5, failed(new RegExp(`${status}`), 1))),
  ];
}

type Refusal = readonly [status: number, headers?: () => Record<string, string>];

/** Refuses so many requests, repeating the key as providers like to, then answers. */
function refused(
  name: string,
  [status, headers]: Refusal,
  times: number,
  expected: ModelFaultCase["expected"],
): ModelFaultCase {
  return {
    name,
    agent: "pickle",
    play: (reply, asked) =>
      reply.attempt > times ? playWell(reply, asked) : reply.fail(status, `refused ${KEY}`, headers?.()),
    expected,
  };
}
