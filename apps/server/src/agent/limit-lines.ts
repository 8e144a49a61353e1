export interface LineLimit {
  readonly maxBytes: number;
  /** What whoever reads on then gets. */
  readonly tooLong: () => Error;
}

/** The same response, whose body fails at a line that is too long: for readers that gather a whole line in memory. */
export function limitLines(response: Response, { maxBytes, tooLong }: LineLimit): Response {
  let lineBytes = 0;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform: (bytes, controller) => {
      const newline = bytes.lastIndexOf(10);
      lineBytes = newline < 0 ? lineBytes + bytes.length : bytes.length - newline - 1;
      if (lineBytes <= maxBytes) controller.enqueue(bytes);
      else controller.error(tooLong());
    },
  });
  return new Response(response.body?.pipeThrough(limit) ?? null, response);
}
