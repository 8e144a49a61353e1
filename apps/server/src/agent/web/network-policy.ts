import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";

/** Where the tool that reads web pages may go. A part of the composition, not of the configuration. */
export interface NetworkPolicy {
  /** The addresses of a host name. */
  resolve(hostname: string): Promise<readonly string[]>;
  /** Why nothing may be read from an address or a host name; undefined: it may. */
  refuse(host: string): string | undefined;
}

/** What everybody can reach: nothing of this machine, of its networks, or of whoever runs them (SPEC TOOL10). */
export const publicInternet: NetworkPolicy = {
  resolve: async (hostname) => (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address),
  refuse: (host) => (isIP(host) === 0 ? refuseName(host) : refuseAddress(host)),
};

const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3"); // all that is given out
const LOCAL_NAMES = /(^|\.)(localhost|internal|local|localdomain|home\.arpa|lan)$/;

function refuseName(hostname: string): string | undefined {
  const name = hostname.toLowerCase().replace(/\.+$/, "");
  return LOCAL_NAMES.test(name) ? "is the name of a private host" : undefined;
}

function refuseAddress(address: string): string | undefined {
  const parsed = ipaddr.process(address); // an IPv4 address in the clothes of IPv6 is the IPv4 address
  // private, link-local, shared, reserved, and ways to write an IPv4 address into an IPv6 one
  const isPublic = parsed.range() === "unicast" && (parsed.kind() === "ipv4" || parsed.match(GLOBAL_IPV6));
  if (!isPublic) return "is a private address";
  // public, and yet this machine: its servers may trust whoever comes from here
  return ownAddresses().has(parsed.toNormalizedString()) ? "is an address of this machine" : undefined;
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.map(({ address }) => ipaddr.process(address).toNormalizedString()));
}
