import { uptime } from "node:os";
import type { Clock } from "../base/clock.ts";
import { SECOND_MS } from "../base/time.ts";

/**
 * The host's clocks. The one for deadlines counts from the boot, through suspends, and goes on while no agent runs (Linux's
 * CLOCK_BOOTTIME, to the hundredth of a second): a lease that was begun before a restart of the agent ends when it should.
 */
export const hostClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => Math.floor(uptime() * SECOND_MS),
};
