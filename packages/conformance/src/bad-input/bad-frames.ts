import { type BadInput, type Expected, frame, NO_CODE } from "./bad-input-case.ts";

/** Frames that break RFC 6455, or the limit of their size, on both doors. */
export function badFrames(): BadInput[] {
  const doors = ["raw", "rpc"] as const;
  const one = (name: string, bytes: Buffer, expected: Expected): BadInput[] =>
    doors.map((door) => ({ name: `${door} frame ${name}`, door, bytes, expected }));
  const message = `{"source":"a","content":"b"}`;
  const broken = { close: [1002] };
  return [
    ...one("not masked", frame(1, message, { mask: false }), broken),
    ...[0xc1, 0xa1, 0x91].flatMap((first) => one(`reserved bit ${first}`, frame(1, message, { first }), broken)),
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => one(`opcode ${opcode}`, frame(opcode, "x"), broken)),
    ...one("continuation of nothing", frame(0, "x"), broken),
    ...one("text inside a text", Buffer.concat([frame(1, "{", { first: 1 }), frame(1, "}")]), broken),
    ...one("long ping", frame(9, "x".repeat(126)), broken),
    ...one("ping in pieces", frame(9, "x", { first: 9 }), broken),
    ...one("not UTF-8", frame(1, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), { close: [1007] }),
    ...one("lone surrogate", frame(1, Buffer.from([0xed, 0xa0, 0x80])), { close: [1007] }),
    ...one("overlong", frame(1, Buffer.from([0xc0, 0xaf])), { close: [1007] }),
    // A peer that goes on writing to a closed connection gets a reset, and may lose the close code to it.
    ...one("2 MiB", frame(1, Buffer.alloc(2 * 1024 * 1024, 97)), { close: [1009, NO_CODE] }),
    ...one("announced 8 EiB", Buffer.from([0x81, 0xff, 0x7f, ...Array<number>(11).fill(255)]), { close: [1009] }),
    ...one("announced 2 GiB", Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 255, 255, 255, 0, 0, 0, 0]), {
      close: [1009],
    }),
    ...one("close of one byte", frame(8, "x"), broken),
    ...[0, 999, 1004, 1005, 1006, 1015, 2999].flatMap((code) =>
      one(`close code ${code}`, frame(8, Buffer.from([code >> 8, code & 255])), broken),
    ),
    ...one("close reason not UTF-8", frame(8, Buffer.from([3, 232, 0xff])), { close: [1007] }),
    ...one("half a frame", Buffer.from([0x81, 0xfe, 0x01]), "alive"),
    ...one("1000 pings", Buffer.concat(Array<Buffer>(1000).fill(frame(9, "p"))), "alive"),
    ...one("an empty pong", frame(10, ""), "alive"),
    ...one(
      "1000 empty pieces",
      Buffer.concat([frame(1, "", { first: 1 }), ...Array<Buffer>(1000).fill(frame(0, "", { first: 0 }))]),
      "alive",
    ),
  ];
}
