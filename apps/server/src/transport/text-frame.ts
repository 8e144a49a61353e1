const TEXT_FRAME = 0x81; // the last fragment, opcode 1 (RFC 6455, section 5.2)
const LENGTH_16_BIT = 126;
const LENGTH_64_BIT = 127;

/** One WebSocket frame. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(frameBytes(payload));
  frame.write(text, writeHeader(frame, 0, payload));
  return frame;
}

/** One buffer with a WebSocket text frame for each ending, all of which begin with `beginning`. */
export function textFrames(beginning: string, endings: readonly string[]): Buffer {
  const [only] = endings;
  return endings.length === 1
    ? textFrame(beginning + only)
    : Buffer.concat(endings.map((ending) => textFrame(beginning + ending)));
}

/** The same of bytes that are there already. */
export function byteFrames(beginning: Buffer, endings: readonly Buffer[]): Buffer {
  const total = endings.reduce((sum, { length }) => sum + frameBytes(beginning.length + length), 0);
  const frames = Buffer.allocUnsafe(total);
  let at = 0;
  for (const ending of endings) {
    at = writeHeader(frames, at, beginning.length + ending.length);
    at += beginning.copy(frames, at);
    at += ending.copy(frames, at);
  }
  return frames;
}

function frameBytes(payload: number): number {
  if (payload < LENGTH_16_BIT) return 2 + payload;
  return (payload < 65_536 ? 4 : 10) + payload;
}

/** A server's frames are not masked. Returns where the payload begins. */
function writeHeader(frames: Buffer, at: number, payload: number): number {
  frames[at] = TEXT_FRAME;
  if (payload < LENGTH_16_BIT) {
    frames[at + 1] = payload;
    return at + 2;
  }
  if (payload < 65_536) {
    frames[at + 1] = LENGTH_16_BIT;
    return frames.writeUInt16BE(payload, at + 2);
  }
  frames[at + 1] = LENGTH_64_BIT;
  return frames.writeBigUInt64BE(BigInt(payload), at + 2);
}
