import { readFileSync } from "node:fs";

/** CLOCK_BOOTTIME in milliseconds, to a hundredth of a second: what all processes of a host agree on. */
export function bootTimeMs(): number {
  return Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000);
}
