export interface SocketObserver {
  opening(socket: WebSocket): void;
  /** `hasReceived`: did any frame arrive while it was open? */
  closed(socket: WebSocket, hasReceived: boolean): void;
}

const CLOSE_PATIENCE_MS = 1000;

/**
 * A WebSocket class that tells of its sockets, and whose `close` takes a second at most: on a dead link the closing
 * handshake never comes, and a stock socket would wait for it for half a minute before anyone reconnects.
 */
export function createSocketClass(Base: typeof WebSocket, observer: SocketObserver): typeof WebSocket {
  return class extends Base {
    #patience: ReturnType<typeof setTimeout> | undefined;

    constructor(...parameters: ConstructorParameters<typeof WebSocket>) {
      super(...parameters);
      let hasReceived = false;
      this.addEventListener("message", () => {
        hasReceived = true;
      });
      const onClose = (): void => {
        clearTimeout(this.#patience);
        observer.closed(this, hasReceived);
      };
      this.addEventListener("close", onClose, { once: true });
      observer.opening(this);
    }

    override close(code?: number, reason?: string): void {
      super.close(code, reason);
      if (this.readyState === this.CLOSED) return;
      this.#patience ??= setTimeout(() => giveUp(this), CLOSE_PATIENCE_MS);
    }
  };
}

function giveUp(socket: WebSocket): void {
  if ("terminate" in socket && typeof socket.terminate === "function") socket.terminate();
  else socket.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "", wasClean: false }));
}
