/** Passes the text of one turn on to its readers in few, larger pieces: a model may write a thousand in a second. */
export interface DeltaWriter extends Disposable {
  /** Goes out at once, or up to a period later together with what comes until then. */
  add(text: string): void;
  /** What was written so far is void: the readers' text begins afresh. */
  restart(): void;
}

const PERIOD_MS = 17; // less than 60 pieces in a second

/** `send` gets each piece with the UTF-16 code units before it, at most one in `periodMs`. What still waits goes out at the end of the scope. */
export function createDeltaWriter(
  send: (offset: number, content: string) => void,
  periodMs: number = PERIOD_MS,
): DeltaWriter {
  let waiting = "";
  let offset = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    const content = waiting;
    if (content === "") return;
    waiting = "";
    send(offset, content);
    offset += content.length;
  }
  function pace(): void {
    timer = undefined;
    if (waiting === "") return;
    flush();
    timer = setTimeout(pace, periodMs);
  }
  return {
    add: (text) => {
      waiting += text;
      if (timer === undefined) pace();
    },
    restart: () => {
      waiting = "";
      offset = 0;
      send(0, "");
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      flush();
    },
  };
}
