/** Where jobs may not connect to: an address or a network, and a port of it or all. */
import { isIP } from "node:net";

export interface Destination {
  readonly family: "ip" | "ip6";
  /** An address, or a network as `10.0.0.0/8`. */
  readonly network: string;
  /** Undefined is all of them, whatever the protocol. */
  readonly port: number | undefined;
}

const MAX_PORT = 65_535;

/** `10.0.0.0/8`, `10.0.0.5:443`, `2001:db8::/32` or `[2001:db8::5]:443`; undefined for anything else. */
export function parseDestination(text: string): Destination | undefined {
  const [, bracketed, bracketPort] = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return destination(bracketed, bracketPort, 6);
  const [, plain = "", plainPort] = /^([\d./]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  return plain === "" ? destination(text, undefined, 6) : destination(plain, plainPort, 4);
}

function destination(network: string, portText: string | undefined, version: 4 | 6): Destination | undefined {
  const [address = "", bits, ...rest] = network.split("/");
  const port = portText === undefined ? undefined : Number(portText);
  // A scope such as %eth0 is part of an address for isIP, and of none for rules.
  if (rest.length > 0 || isIP(address) !== version || address.includes("%")) return undefined;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))) return undefined;
  if (port !== undefined && (port < 1 || port > MAX_PORT)) return undefined;
  return { family: version === 4 ? "ip" : "ip6", network, port };
}
