import type { ClockFacts } from "../facts/clock.ts";
import { type Finding, ok, unknown, warning } from "../finding.ts";

/** Nothing is decided by comparing clocks of hosts; what people read in times and logs is. */
const FAR_MS = 5_000;
const KEEP = "systemctl enable --now systemd-timesyncd, or install chrony";

export function checkClock({ isSynchronised, source, driftMs }: ClockFacts): readonly Finding[] {
  return [checkKeeper(isSynchronised, source), ...checkDrift(driftMs)];
}

function checkKeeper(isSynchronised: boolean | undefined, source: string): Finding {
  if (isSynchronised === undefined) {
    return unknown(
      "clock-synchronised",
      "nothing here tells whether the clock is kept right (chronyc, timedatectl)",
      KEEP,
    );
  }
  if (isSynchronised) return ok("clock-synchronised", `the clock is kept right, ${source} says`);
  return warning(
    "clock-synchronised",
    `the clock is not kept right, ${source} says: times in logs and of jobs will be wrong`,
    KEEP,
  );
}

function checkDrift(driftMs: number | undefined): readonly Finding[] {
  if (driftMs === undefined) return [];
  if (Math.abs(driftMs) < FAR_MS) return [ok("clock-drift", "the clock is that of the controller")];
  const way = driftMs > 0 ? "behind" : "ahead of";
  const message = `the clock is over ${FAR_MS / 1_000} s ${way} the controller's`;
  return [warning("clock-drift", message, `have both kept right: ${KEEP}`)];
}
