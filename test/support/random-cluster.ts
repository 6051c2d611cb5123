/** A small cluster to which anything may happen, for properties that hold whatever does. */
import fc from "fast-check";
import { asNodeName, asTenantId, type JobId } from "../../base/ids.ts";
import type { TenantFields } from "../../controller/core/input.ts";
import type { Policy } from "../../controller/core/model/policy.ts";
import { CoreWorld, START_MS } from "./core-world.ts";

/** One thing that happens; numbers choose among what is there. */
export const randomAction = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      gpus: fc.integer({ min: 0, max: 10 }),
      shape: fc.constantFrom("one", "one", "packed", "spread", "part"),
      milli: fc.constantFrom(250, 500, 700),
      model: fc.constantFrom(undefined, undefined, undefined, "a100", "H100|A100"),
      zone: fc.constantFrom(undefined, undefined, undefined, "west"),
      cores: fc.integer({ min: 1, max: 16 }),
      retries: fc.integer({ min: 0, max: 2 }),
      tenant: fc.integer({ min: 1, max: 5 }),
      priority: fc.integer({ min: 0, max: 10_000 }),
      minutes: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      moves: fc.boolean(),
      cancelsWhenPreempted: fc.boolean(),
      count: fc.constantFrom(undefined, undefined, undefined, 3),
      after: fc.option(fc.nat(), { nil: undefined, freq: 6 }),
      notBeforeMs: fc.constantFrom(0, 0, 0, 90_000),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("begin" as const), job: fc.nat(), rank: fc.nat({ max: 3 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "begin-all" as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      job: fc.nat(),
      rank: fc.nat({ max: 3 }),
      code: fc.constantFrom(0, 0, 0, 1, 137),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("start-failure" as const), job: fc.nat(), rank: fc.nat({ max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), job: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), job: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), job: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1_000, 10_000, 60_000, 400_000),
      heard: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disconnect" as const), node: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("hello" as const), node: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reboot" as const), node: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("devices" as const), node: fc.nat(), without: fc.nat({ max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);
export type RandomAction = typeof randomAction extends fc.Arbitrary<infer A> ? A : never;

const TENANTS: Readonly<Record<string, Partial<TenantFields>>> = {
  "tenant-1": { limits: { gpus: 6 }, tier: "medium", canPreemptOthers: true },
  "tenant-2": { limits: { concurrentJobs: 2, cpuCores: 20 }, tier: "low" },
  "tenant-3": { tier: "high", allowPreemption: false, fairShareWeight: 3 },
  "tenant-4": { limits: { gpus: 8, gpuMemoryMb: 640_000 }, canPreemptOthers: true },
  "tenant-5": { tier: "medium", gpuHoursBudget: 1, budgetWindowDays: 1 },
};
const NODES: readonly { readonly name: string; readonly options: Parameters<CoreWorld["addNode"]>[1] }[] = [
  { name: "node-1", options: { gpus: 4, cpuCores: 16, model: "A100", allowsSharing: true } },
  { name: "node-2", options: { gpus: 4, cpuCores: 16, model: "H100", labels: { zone: "west" } } },
  { name: "node-3", options: { gpus: 2, cpuCores: 8, model: "A100", labels: { zone: "west" }, allowsSharing: true } },
];

/** Looks at the world after each step. */
export type Watch = (w: CoreWorld) => void;

class WatchedWorld extends CoreWorld {
  watch: Watch | undefined;

  override apply(input: Parameters<CoreWorld["apply"]>[0]): ReturnType<CoreWorld["apply"]> {
    const answer = super.apply(input);
    this.watch?.(this);
    return answer;
  }

  /** A node knows what it cannot tell anybody. */
  override reportFor(...report: Parameters<CoreWorld["reportFor"]>): void {
    super.reportFor(...report);
    this.watch?.(this);
  }
}

export class RandomCluster {
  readonly w: WatchedWorld;
  readonly ids: JobId[] = [];

  /** @param reversed tenants and nodes come in the other order, which must not matter */
  constructor(policy: Policy, { watch, reversed = false }: { watch?: Watch; reversed?: boolean } = {}) {
    const preemption = { minRunMs: 30_000, minWaitMs: 5_000, maxGpusPerGpu: 2 };
    this.w = new WatchedWorld({ policy: { ...policy, preemption } });
    const [tenants, nodes] = [Object.entries(TENANTS), [...NODES]];
    if (reversed) for (const list of [tenants, nodes]) list.reverse();
    for (const [id, options] of tenants) this.w.addTenant(id, options);
    for (const { name, options } of nodes) this.w.addNode(name, options);
    // Later on they are heard in one order: who is heard first may well be given work first.
    const known = [...this.w.nodes].sort(([a], [b]) => (a < b ? -1 : 1));
    this.w.nodes.clear();
    for (const [name, node] of known) this.w.nodes.set(name, node);
    this.w.watch = watch;
  }

  perform(step: RandomAction): void {
    const { w } = this;
    const node = "node" in step ? pick(NODES, step.node) : undefined;
    const id = "job" in step ? pick(this.ids, step.job) : undefined;
    switch (step.kind) {
      case "submit":
        this.#submit(step);
        return;
      case "begin":
      case "end":
      case "start-failure":
        if (id) this.#report(id, step);
        return;
      case "begin-all":
        for (const job of [...w.state.alive()]) if (job.phase === "starting") this.#beginAll(job.id);
        return;
      case "leave":
        if (id && w.job(id).phase === "stopping") w.stopped(id);
        return;
      case "cancel":
        if (id) w.cancel(id);
        return;
      case "checkpoint":
        if (id) w.checkpoint(id);
        return;
      case "advance":
        if (step.heard) w.advanceHeard(Math.min(step.ms, 60_000));
        else w.advance(step.ms);
        return;
      case "disconnect":
        if (node) w.disconnect(node.name);
        return;
      case "hello":
        if (node) w.hello(node.name);
        return;
      case "reboot":
        if (node) this.#reboot(node.name);
        return;
      case "devices":
        if (node) this.#losesDevice(node.name, step.without);
        return;
      case "restart":
        w.restart();
    }
  }

  /** A device fails, or all are there again. */
  #losesDevice(name: string, without: number): void {
    const { session, inventory } = this.w.node(name);
    if (session === undefined) return;
    const devices = inventory.devices.filter(({ index }) => index !== without);
    const executor = { ready: true, message: "" };
    this.w.apply({
      kind: "node-heartbeat",
      session,
      node: asNodeName(name),
      sequence: 1,
      executor,
      telemetry: [],
      inventory: { ...inventory, devices },
    });
  }

  #submit(step: RandomAction & { kind: "submit" }): void {
    const { shape, milli, gpus, model, zone, count, after } = step;
    const earlier = after === undefined ? undefined : pick(this.ids, after);
    const shapes = {
      one: { gpuCount: gpus },
      part: { gpuCount: 1, gpuMilli: milli },
      packed: { gpuCount: gpus, gang: gpus > 0 },
      spread: gpus < 2 ? { gpuCount: gpus } : { gpuCount: gpus - (gpus % 2), gang: true, gpusPerNode: 2 },
    };
    const tenantId = asTenantId(`tenant-${step.tenant}`);
    const isOwn = earlier !== undefined && this.w.job(earlier).tenantId === tenantId;
    const answer = this.w.apply({
      kind: "submit-job",
      spec: {
        name: "job",
        tenantId,
        ...shapes[shape],
        ...(model === undefined ? {} : { gpuModel: model }),
        ...(zone === undefined ? {} : { nodeSelector: { zone } }),
        ...(isOwn ? { dependsOn: [earlier] } : {}),
        ...(step.notBeforeMs === 0 ? {} : { notBefore: this.w.now + step.notBeforeMs }),
        ...(step.minutes === undefined ? {} : { maxRuntimeMinutes: step.minutes }),
        onPreempt: step.cancelsWhenPreempted ? "cancel" : "requeue",
        cpuCores: step.cores,
        maxRetries: step.retries,
        priority: step.priority,
        onNodeLost: step.moves ? "requeue" : "wait",
      },
      ...(count === undefined ? {} : { count }),
    });
    if (answer && "jobId" in answer) this.ids.push(...(("jobIds" in answer && answer.jobIds) || [answer.jobId]));
  }

  #beginAll(id: JobId): void {
    for (const { rank } of this.w.job(id).allocations) this.#report(id, { kind: "begin", job: 0, rank });
  }

  #report(id: JobId, step: RandomAction & { kind: "begin" | "end" | "start-failure" }): void {
    const { w } = this;
    const job = w.job(id);
    const rank = step.rank % Math.max(1, job.allocations.length);
    const allocation = job.allocations[rank];
    const known = allocation && w.node(allocation.node).running.get(`${id}-${job.attempt}-${rank}`);
    if (!known || known.state.phase === "ended") return;
    if (step.kind === "end") w.end(id, step.code, rank);
    else if (known.state.phase === "running") return;
    else if (step.kind === "begin") w.begin(id, rank);
    else w.endAs(id, { kind: "node", message: "no" }, rank);
  }

  #reboot(name: string): void {
    const node = this.w.node(name);
    this.w.disconnect(name);
    node.bootId += "'";
    node.running.clear();
    this.w.hello(name);
  }

  /** Every node returns, obeys what it was told, and runs what it is given to a good end, until nothing moves any more. */
  heal(): void {
    const { w } = this;
    for (const { name } of NODES) {
      w.hello(name);
      w.prove(name);
    }
    for (let round = 0; round < 200; round += 1) {
      let moved = false;
      for (const node of w.nodes.values()) {
        for (const known of [...node.running.values()]) {
          if (known.state.phase === "ended") continue;
          w.reportFor(known.key, node.name, {
            phase: "ended",
            startedAt: w.now,
            endedAt: w.now,
            end: { kind: "exited", exitCode: 0, outOfMemory: false, message: "" },
          });
          moved = true;
        }
      }
      const waits = [...w.state.alive()].some((job) => job.phase === "held" && job.hold.kind !== "dependencies");
      if (!moved && !waits) return;
      w.advanceHeard(30_000);
    }
    throw new Error(`the cluster does not come to rest within ${(w.now - START_MS) / 60_000} minutes`);
  }
}

function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[n % Math.max(1, items.length)];
}
