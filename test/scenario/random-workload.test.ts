import fc from "fast-check";
import { expect, test } from "vitest";
import type { JobId } from "../../base/ids.ts";
import { isHeld } from "../../controller/core/model/allocation.ts";
import { demandOf } from "../../controller/core/model/job.ts";
import { POLICIES } from "../../controller/core/model/policy.ts";
import type { Effect } from "../../controller/core/output.ts";
import { fewestNodes, type Remainder } from "../support/brute-fit.ts";
import type { CoreWorld, FakeNode } from "../support/core-world.ts";
import { GpuHours } from "../support/gpu-hours.ts";
import { type RandomAction, randomAction, RandomCluster } from "../support/random-cluster.ts";

const ACTIONS = fc.array(randomAction, { maxLength: 80, size: "max" });
const EVERY_POLICY = Object.values(POLICIES);
/** A rank that its node lost in a reboot, and a job that waits for its last rank to be told of: what was used is to be counted to the reboot. */
const LOST_IN_A_REBOOT: RandomAction[] = [
  {
    kind: "submit",
    gpus: 5,
    shape: "packed",
    milli: 250,
    model: undefined,
    zone: undefined,
    cores: 1,
    retries: 0,
    tenant: 5,
    priority: 0,
    minutes: 2,
    moves: false,
    cancelsWhenPreempted: false,
    count: 3,
    after: undefined,
    notBeforeMs: 0,
  },
  { kind: "reboot", node: 2 },
  { kind: "restart" },
  { kind: "leave", job: 0 },
  ...Array.from({ length: 4 }, () => ({ kind: "advance", ms: 60_000, heard: true }) as const),
  { kind: "advance", ms: 1_000, heard: true },
];

test.each(EVERY_POLICY)(
  "under the policy $name, whatever happens: no device is held beyond its thousandths, no quota or budget broken, gangs are all or nothing, and in the end nothing waits that fits",
  (policy) => {
    let starts = 0;
    fc.assert(
      fc.property(ACTIONS, (actions) => {
        const hours = new GpuHours();
        const watch = (w: CoreWorld) => {
          checkGangs(w);
          hours.look(w);
        };
        const cluster = new RandomCluster(policy, { watch });
        for (const step of actions) cluster.perform(step);
        cluster.heal();
        for (const id of cluster.ids) expect(whyNotOver(cluster.w, id, hours)).toBe("");
        for (const node of cluster.w.nodes.values()) expect([...node.running.values()]).toEqual([]);
        starts += hours.starts;
      }),
      { numRuns: 60, examples: [[LOST_IN_A_REBOOT]] },
    );
    // Budgets must have been asked about, too.
    expect(starts).toBeGreaterThan(20);
  },
);

test.each(EVERY_POLICY)(
  "under the policy $name the same inputs give the same decisions, in whatever order tenants and nodes came",
  (policy) => {
    fc.assert(
      fc.property(ACTIONS, (actions) => {
        const clusters = [{}, {}, { reversed: true }].map((options) => new RandomCluster(policy, options));
        for (const step of actions) for (const cluster of clusters) cluster.perform(step);
        const [first, again, reversed] = clusters.map(({ w }) => w.effects);
        expect(JSON.stringify(again)).toBe(JSON.stringify(first));
        expect(reversed?.flatMap(decision)).toEqual(first?.flatMap(decision));
      }),
      { numRuns: 30 },
    );
  },
);

/** What an effect says of who runs where: not on which stream it is told. */
function decision(effect: Effect): readonly unknown[] {
  if (effect.kind === "launch") return [[effect.job.id, effect.job.attempt, effect.node, effect.allocation]];
  return effect.kind === "stop" ? [[effect.key, effect.node]] : [];
}

/** Whoever holds anything holds all that it asked for, on as many nodes as it asked for, until a part of it is over. */
function checkGangs({ state }: CoreWorld): void {
  for (const job of state.alive()) {
    if (job.phase !== "starting" && job.phase !== "running") continue;
    const spec = state.spec(job.id);
    const parts = job.allocations.map(({ devices }) => devices.length);
    const nodes = new Set(job.allocations.map(({ node }) => node));
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(spec.gpuCount);
    expect(nodes.size).toBe(parts.length);
    if (spec.gang !== true) expect(parts).toHaveLength(1);
    if (spec.gpusPerNode !== undefined) expect(new Set(parts)).toEqual(new Set([spec.gpusPerNode]));
  }
}

/** What keeps a job from having run though all nodes are there and idle; empty for one that nothing should. */
function whyNotOver(w: CoreWorld, id: JobId, hours: GpuHours): string {
  const { state, now } = w;
  const job = w.job(id);
  const spec = state.spec(id);
  if (job.phase === "finished") return "";
  if (job.phase === "held" && job.hold.kind === "dependencies") {
    const waits = job.hold.on.every((other) => w.job(other).phase !== "finished");
    return waits ? "" : `${id} is held by what is over`;
  }
  if (job.phase !== "queued") return `${id} is ${job.phase}`;
  const { gpuHoursBudget = Number.POSITIVE_INFINITY, budgetWindowDays = 30 } = state.tenant(job.tenantId);
  const plannedHours = (state.planOf(state.groupOf(job)).ms * demandOf(spec).milli * spec.gpuCount) / 1_000 / 3_600_000;
  if (hours.used(job.tenantId, budgetWindowDays, now, "knownAt") + plannedHours > gpuHoursBudget) return "";
  if ([...state.alive()].some(({ allocations }) => allocations.some(isHeld))) return "something still holds devices";
  return fewestNodes([...w.nodes.values()].map(emptied), spec) === undefined ? "" : `${id} waits though it fits`;
}

function emptied({ inventory }: FakeNode): Remainder {
  const { devices, cpuCores, memoryMb, labels, executor, allowsSharing = false } = inventory;
  const free = devices.map(({ model, memoryMb: size }) => ({ model, memoryMb: size, freeMilli: 1_000 }));
  return { devices: free, cpuCores, memoryMb, labels, executor, allowsSharing, takesWork: true };
}
