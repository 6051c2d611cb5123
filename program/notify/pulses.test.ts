import { expect, test } from "vitest";
import { agentPulse, controllerPulse, guardPulse } from "./pulses.ts";

const HEARTBEAT_MS = 5_000;
const NODE = { devices: 8, allocations: 1, leader: "10.0.0.1:9090", sinceTickMs: 900, sinceSaidMs: 4_000 };
const LEADER = { term: 7, leader: "10.0.0.1:9090", busyMs: 0 };

test.each([
  [LEADER, "leads in term 7", undefined],
  [{ ...LEADER, term: undefined }, "follows 10.0.0.1:9090", undefined],
  [{ term: undefined, leader: undefined, busyMs: 0 }, "waits for its turn; no leader is known", undefined],
  [{ ...LEADER, busyMs: 50_000 }, "leads in term 7", undefined],
  [{ ...LEADER, busyMs: 70_000 }, "leads in term 7", "what was decided does not reach the store"],
])("a controller's pulse: %o", (health, status, stalled) => {
  expect(controllerPulse({ health: () => health })).toEqual({ status, stalled });
});

test.each([
  [NODE, "8 GPUs, 1 job; works for 10.0.0.1:9090", undefined],
  [{ ...NODE, devices: 1, leader: undefined }, "1 GPU, 1 job; no controller answers", undefined],
  [{ ...NODE, sinceTickMs: 11_000 }, "8 GPUs, 1 job; works for 10.0.0.1:9090", "leases are not looked at"],
  [{ ...NODE, sinceSaidMs: 26_000 }, "8 GPUs, 1 job; works for 10.0.0.1:9090", "no heartbeats are sent"],
  [{ ...NODE, leader: undefined, sinceSaidMs: 26_000 }, "8 GPUs, 1 job; no controller answers", undefined],
])("an agent's pulse: %o", (node, status, stalled) => {
  expect(agentPulse(node, HEARTBEAT_MS)).toEqual({ status, stalled });
});

test.each([
  [{ hasLease: false, isOverdue: false, sinceLookMs: 900 }, "the agent has had no lease yet", undefined],
  [{ hasLease: true, isOverdue: false, sinceLookMs: 900 }, "watches the agent's lease", undefined],
  [{ hasLease: true, isOverdue: true, sinceLookMs: 900 }, "kills what is left: the lease is over", undefined],
  [
    { hasLease: true, isOverdue: false, sinceLookMs: 11_000 },
    "watches the agent's lease",
    "the lease is not looked at",
  ],
])("a guard's pulse: %o", (guard, status, stalled) => {
  expect(guardPulse(guard)).toEqual({ status, stalled });
});
