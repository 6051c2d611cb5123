/** How the roles are, in the words of `systemctl status`. */
import type { GuardPulse } from "../../agent/guard/guard.ts";
import type { NodePulse } from "../../agent/node.ts";
import { SECOND_MS } from "../../base/time.ts";
import type { ControllerHealth } from "../../controller/controller.ts";
import type { Pulse } from "./service-manager.ts";

/** A commit that takes longer than this will not come: a store that waits for room is not counted. */
const LONGEST_BATCH_MS = 60 * SECOND_MS;
/** Leases are looked at every second. */
const LONGEST_TICK_MS = 10 * SECOND_MS;

export function controllerPulse(controller: { health(): ControllerHealth }): Pulse {
  const { term, leader, busyMs } = controller.health();
  const follows = leader === undefined ? "waits for its turn; no leader is known" : `follows ${leader}`;
  return {
    status: term === undefined ? follows : `leads in term ${term}`,
    stalled: busyMs > LONGEST_BATCH_MS ? "what was decided does not reach the store" : undefined,
  };
}

export function agentPulse(node: NodePulse, heartbeatMs: number): Pulse {
  const { devices, allocations, leader, sinceTickMs, sinceSaidMs } = node;
  const works = leader === undefined ? "no controller answers" : `works for ${leader}`;
  return {
    status: `${count(devices, "GPU")}, ${count(allocations, "job")}; ${works}`,
    stalled: stalledBy(sinceTickMs, leader === undefined ? 0 : sinceSaidMs, 3 * heartbeatMs + LONGEST_TICK_MS),
  };
}

export function guardPulse({ hasLease, isOverdue, sinceLookMs }: GuardPulse): Pulse {
  const watches = isOverdue ? "kills what is left: the lease is over" : "watches the agent's lease";
  return {
    status: hasLease ? watches : "the agent has had no lease yet",
    stalled: sinceLookMs > LONGEST_TICK_MS ? "the lease is not looked at" : undefined,
  };
}

function stalledBy(sinceTickMs: number, sinceSaidMs: number, longestSilenceMs: number): string | undefined {
  if (sinceTickMs > LONGEST_TICK_MS) return "leases are not looked at";
  return sinceSaidMs > longestSilenceMs ? "no heartbeats are sent" : undefined;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
