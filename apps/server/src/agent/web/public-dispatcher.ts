import type { LookupFunction } from "node:net";
import { Agent, buildConnector } from "undici";
import type { NetworkPolicy } from "./network-policy.ts";
import { WebError } from "./web-error.ts";

const CONNECT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Connects only to what `policy` allows. A name is looked up once, here, and the socket goes to the very addresses that
 * were checked, so that another answer later changes nothing; what it is connected to is checked again.
 */
export function createPublicDispatcher(policy: NetworkPolicy): Agent {
  const connect = buildConnector({ timeout: CONNECT_MS, lookup: checkedLookup(policy) });
  return new Agent({
    maxHeaderSize: MAX_HEADER_BYTES,
    pipelining: 1,
    connect: (options, callback) =>
      connect(options, (error, socket) => {
        if (error !== null) return callback(error, null);
        const refusal = policy.refuse(socket.remoteAddress ?? "");
        if (refusal === undefined) return callback(null, socket);
        socket.destroy();
        callback(new WebError(refusal), null);
      }),
  });
}

/** One address that may not be reached refuses the name: whoever answers so is up to something. */
function checkedLookup(policy: NetworkPolicy): LookupFunction {
  return (hostname, { all }, callback) => {
    policy.resolve(hostname).then(
      (addresses) => {
        const refusal = addresses.map((address) => policy.refuse(address)).find((reason) => reason !== undefined);
        const [first] = addresses;
        if (refusal !== undefined) callback(new WebError(refusal), []);
        else if (first === undefined) callback(new WebError("has no address"), []);
        else if (all)
          callback(
            null,
            addresses.map((address) => ({ address, family: familyOf(address) })),
          );
        else callback(null, first, familyOf(first));
      },
      (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), []),
    );
  };
}

function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}
