/** Loads the rules into the kernel, and takes them out of it. Needs the right to administer the host's network. */
import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { withDeadline } from "../../base/abort.ts";
import { isLoopbackHost, parseAddress } from "../../base/address.ts";
import { RequestError, systemErrorCode } from "../../base/errors.ts";
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
  const env = { ...process.env, LC_ALL: "C", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const child = spawn("nft", ["--file", "-"], { stdio: ["pipe", "ignore", "pipe"], env, timeout: NFT_MS });
  let said = "";
  child.stderr.on("data", (data) => {
    if (said.length < MAX_ERROR) said += String(data);
  });
  const ended = new Promise<number | null>((done, fail) => child.once("error", fail).once("close", done));
  // One that ends without having read it has said why.
  child.stdin.on("error", () => undefined);
  child.stdin.end(script);
  try {
    if ((await ended) === 0) return;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new RequestError("unavailable", "there is no program nft: apt-get install nftables");
  }
  const cure = /not permitted|not supported/i.test(said) ? " (it needs root, or CAP_NET_ADMIN)" : "";
  throw new RequestError("unavailable", `nft did not take the rules${cure}: ${said.slice(0, MAX_ERROR).trim()}`);
}
