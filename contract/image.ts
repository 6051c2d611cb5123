import { isIP } from "node:net";

const HOST =
  /(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?/;
const PATH = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/;
const REFERENCE = new RegExp(
  `^(?:(?<host>${HOST.source})/)??(?<path>${PATH.source}(?:/${PATH.source})*)` +
    `(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/**
 * What is wrong with an image reference, as a sentence's end; undefined when it is well formed (OCI distribution's grammar).
 *
 * @param allowed hosts that may be named although their addresses are private
 */
export function imageProblem(image: string, allowed: readonly string[] = []): string | undefined {
  if (image.length > 512) return "must be at most 512 characters";
  const host = registryHost(image);
  const match = REFERENCE.exec(image);
  if (!match)
    return "must be an image reference such as nvidia/cuda:12.0-base or registry.example.com/team/image@sha256:…";
  if (host !== undefined && isPrivateHost(host) && !allowed.includes(host)) {
    return "names a registry at a private, loopback or link-local address, which is not allowed";
  }
  return undefined;
}

/** The registry's host without its port; undefined for Docker Hub's short names. */
export function registryHost(image: string): string | undefined {
  const first = image.split("/", 1)[0] ?? "";
  if (!image.includes("/")) return undefined;
  // As Docker tells a host from the first part of a path: no path has capitals.
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (!isHost) return undefined;
  return first.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

/** Whether the host is `localhost` or an address literal that must not be reached on a tenant's word. */
function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIP(name) === 4) {
    const [a = 0, b = 0] = name.split(".").map(Number);
    return (
      a === 0 ||
      a === 10 ||
      a === 127 ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168)
    );
  }
  if (isIP(name) === 6) return true;
  // A purely numeric host is another spelling of an IPv4 address.
  return /^(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))*$/.test(name);
}
