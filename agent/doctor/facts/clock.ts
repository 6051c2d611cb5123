/** Whether the host's clock is kept right. */
import type { Host } from "../host.ts";

export interface ClockFacts {
  /** Undefined where nothing tells. */
  readonly isSynchronised: boolean | undefined;
  /** What told. */
  readonly source: string;
  /** How far the leader's clock is ahead of this one; undefined where no leader is heard. */
  readonly driftMs: number | undefined;
}

export async function gatherClock(host: Host, driftMs: number | undefined): Promise<ClockFacts> {
  return { ...(await askKeepers(host)), driftMs };
}

async function askKeepers(host: Host): Promise<Omit<ClockFacts, "driftMs">> {
  const chrony = await host.run("chronyc", "-n", "tracking");
  if (chrony.kind === "ended" && chrony.code === 0) {
    const [, leap] = /^Leap status\s*:\s*(.+)$/m.exec(chrony.stdout) ?? [];
    if (leap !== undefined) return { isSynchronised: leap.trim() !== "Not synchronised", source: "chronyc" };
  }
  const systemd = await host.run("timedatectl", "show", "--property=NTPSynchronized", "--value");
  if (systemd.kind === "ended" && systemd.code === 0 && /^(yes|no)$/.test(systemd.stdout.trim())) {
    return { isSynchronised: systemd.stdout.trim() === "yes", source: "timedatectl" };
  }
  if (await host.exists("/run/systemd/timesync/synchronized")) {
    return { isSynchronised: true, source: "systemd-timesyncd" };
  }
  return { isSynchronised: undefined, source: "" };
}
