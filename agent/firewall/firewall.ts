/** Loads the rules into the kernel, and takes them out of it. Needs the right to administer the host's network. */
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { withDeadline } from "../../base/abort.ts";
import { isLoopbackHost, parseAddress } from "../../base/address.ts";
import { RequestError } from "../../base/errors.ts";
import { runProgram } from "../../base/run-program.ts";
import { SECOND_MS } from "../../base/time.ts";
import type { ContainerPolicy } from "../policy/container-policy.ts";
import { type Destination, parseDestination } from "../policy/destination.ts";
import { type Mark, removeMark, writeMark } from "./mark.ts";
import { removalText, rulesText } from "./rules.ts";

const LOOKUP_MS = 5 * SECOND_MS;
const NFT_MS = 10 * SECOND_MS;
const MAX_ERROR = 2_000;
/** The second is what systemd-resolved was told, where the first names but itself. */
const RESOLVER_FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

export interface FirewallOptions {
  readonly policy: Pick<ContainerPolicy, "network" | "blockedDestinations">;
  readonly controllers: readonly string[];
}

/** The rules, and what is to be known of them. */
export interface PlannedRules {
  readonly text: string;
  readonly mark: Mark;
}

/** What would be loaded now: names are looked up. */
export async function planRules({ policy, controllers }: FirewallOptions): Promise<PlannedRules> {
  const found = await Promise.all(controllers.map(async (address) => ({ address, at: await resolve(address) })));
  const { network, blockedDestinations } = policy;
  const blocked = blockedDestinations.flatMap((text) => parseDestination(text) ?? []);
  return {
    text: rulesText({
      network,
      blocked,
      controllers: found.flatMap(({ at }) => at ?? []),
      nameservers: await readNameservers(),
    }),
    mark: {
      network,
      controllers: [...controllers],
      blockedDestinations: [...blockedDestinations],
      unresolved: found.filter(({ at }) => at === undefined).map(({ address }) => address),
    },
  };
}

/** @throws RequestError `unavailable` with what nft says */
export async function loadRules({ text, mark }: PlannedRules, markFile: string): Promise<void> {
  await runNft(text);
  writeMark(mark, markFile);
}

/** @throws RequestError `unavailable` with what nft says */
export async function removeRules(markFile: string): Promise<void> {
  // The mark goes first: a host must not say that rules stand which do not.
  removeMark(markFile);
  await runNft(removalText());
}

/** Those of a controller; undefined when its name is not known. Loopback is nothing that a job could reach. */
async function resolve(controller: string): Promise<readonly Destination[] | undefined> {
  const { host, port } = parseAddress(controller) ?? { host: "", port: 0 };
  if (isLoopbackHost(host)) return [];
  try {
    const found = isIP(host)
      ? [{ address: host, family: isIP(host) }]
      : await withDeadline("lookup", LOOKUP_MS, () => lookup(host, { all: true }));
    return found
      .filter(({ address }) => !isLoopbackHost(address))
      .map(({ address, family }) => ({ family: family === 6 ? "ip6" : "ip", network: address, port }));
  } catch {
    return undefined;
  }
}

async function readNameservers(): Promise<readonly Destination[]> {
  const texts = await Promise.all(RESOLVER_FILES.map((file) => readFile(file, "utf8").catch(() => "")));
  return nameserversOf(texts.join("\n"));
}

/** The name servers that `resolv.conf` names, but for those that only the host itself can ask. */
export function nameserversOf(text: string): readonly Destination[] {
  const all = [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, address = ""]) => address);
  const remote = [...new Set(all)].filter((address) => isIP(address) !== 0 && !isLoopbackHost(address));
  return remote.flatMap((address) => parseDestination(address) ?? []);
}

async function runNft(script: string): Promise<void> {
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const ran = await runProgram("nft", ["--file", "-"], { deadlineMs: NFT_MS, input: script, env });
  if (ran.kind === "missing") {
    throw new RequestError("unavailable", "there is no program nft: apt-get install nftables");
  }
  if (ran.kind === "late") throw new RequestError("unavailable", `nft did not answer within ${ran.afterMs} ms`);
  if (ran.code === 0) return;
  const cure = /not permitted|not supported/i.test(ran.stderr) ? " (it needs root, or CAP_NET_ADMIN)" : "";
  throw new RequestError("unavailable", `nft did not take the rules${cure}: ${ran.stderr.slice(0, MAX_ERROR).trim()}`);
}
