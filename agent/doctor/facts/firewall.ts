/** Whether the rules for jobs are loaded, as far as this user may know. */
import { type Mark, MARK_FILE, parseMark } from "../../firewall/mark.ts";
import { TABLE } from "../../firewall/rules.ts";
import type { Host } from "../host.ts";

export interface FirewallFacts {
  /** What root left when it loaded them; undefined where it did not. */
  readonly mark: Mark | undefined;
  /** What the kernel says; undefined where this user may not ask. */
  readonly isLoaded: boolean | undefined;
  /** Docker was told to make no rules of its own. */
  readonly dockerMakesNone: boolean;
}

export async function gatherFirewall(host: Host): Promise<FirewallFacts> {
  const [mark, ran, daemon] = await Promise.all([
    host.read(MARK_FILE),
    host.run("nft", "list", "table", ...TABLE.split(" ")),
    host.read("/etc/docker/daemon.json"),
  ]);
  // Whoever has no rights is told that he has none; of a table that is not there, nft says ENOENT.
  const isGone = ran.kind === "ended" && /no such file/i.test(ran.stderr);
  const isThere = ran.kind === "ended" && ran.code === 0;
  return {
    mark: mark === undefined ? undefined : parseMark(mark),
    isLoaded: isThere ? true : isGone ? false : undefined,
    dockerMakesNone: /"iptables"\s*:\s*false/.test(daemon ?? ""),
  };
}
