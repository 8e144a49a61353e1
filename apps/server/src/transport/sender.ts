import ipaddr from "ipaddr.js";

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;
const NETWORK_PARTS = 4; // of the eight of an IPv6 address: who has one address has all of its network

/** What is looked at of a request. */
export interface Sent {
  readonly headers: { readonly origin?: string | undefined };
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Where a request comes from, one name for all addresses of a machine; undefined for this machine itself. */
export function addressOf({ socket: { remoteAddress } }: Sent): string | undefined {
  if (remoteAddress === undefined || LOOPBACK.test(remoteAddress)) return undefined; // or it is gone already
  const address = ipaddr.process(remoteAddress.replace(/%.*$/, "")); // IPv4 in the clothes of IPv6 is IPv4
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, NETWORK_PARTS).join(":") : address.toString();
}

/** Who is behind a request: an address and a page. Undefined for programs of this machine; a page may be a stranger's. */
export function senderOf(sent: Sent): string | undefined {
  const address = addressOf(sent);
  const origin = sent.headers.origin?.toLowerCase();
  return address === undefined && origin === undefined ? undefined : `${address ?? "here"} ${origin ?? ""}`;
}
