import { BlockList, isIP } from "node:net";

/** Where a server listens or is found: `host:port`, with IPv6 hosts in brackets: `[::1]:9090`. */
export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Parses `host:port` and `[ipv6]:port`; undefined for anything else. Port 0 means any free port. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const [, bracketed, plain] = match ?? [];
  if (!match || port > 65_535) return undefined;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined;
  return plain === undefined ? undefined : { host: plain, port };
}

/** The reverse of {@link parseAddress}. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this host can reach what listens there. Other names than `localhost` are not resolved, and are not loopback. */
export function isLoopbackHost(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host === "localhost";
  return loopback.check(host, version === 6 ? "ipv6" : "ipv4");
}
