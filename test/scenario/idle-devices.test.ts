/** How long devices have been idle, and which jobs are stopped for it, against all that was ever read, gone through anew each time. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { asDeviceId, asTenantId, type JobId } from "../../base/ids.ts";
import { MINUTE_MS } from "../../base/time.ts";
import { isHeld } from "../../controller/core/model/allocation.ts";
import type { Job } from "../../controller/core/model/job.ts";
import { CoreWorld } from "../support/core-world.ts";

const NODES = ["node-1", "node-2", "node-3"];
const TENANTS = ["tenant-1", "tenant-2"];
const SILENT_MS = 15_000;

const readings = fc.array(fc.constantFrom(undefined, 0, 0, 9, 10, 19, 20, 100), { minLength: 6, maxLength: 6 });

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      tenant: fc.constantFrom(...TENANTS),
      gpus: fc.constantFrom(0, 1, 1, 2, 4),
      isPart: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "begin" as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("beats" as const),
      readings,
      count: fc.integer({ min: 1, max: 40 }),
      ms: fc.constantFrom(1_000, 5_000, 5_000, 14_999, 15_000, 40_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("policy" as const),
      tenant: fc.constantFrom(...TENANTS),
      minimum: fc.constantFrom(null, 0, 10, 10, 20),
      minutes: fc.constantFrom(1, 2, 5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      job: fc.nat(),
      rank: fc.nat({ max: 1 }),
      how: fc.constantFrom("well", "lost" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), job: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disconnect" as const), node: fc.constantFrom(...NODES) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hello" as const), node: fc.constantFrom(...NODES) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

interface Beat {
  readonly at: number;
  readonly node: string;
  readonly readings: ReadonlyMap<string, number>;
  /** Of each tenant, then. */
  readonly minima: ReadonlyMap<string, number>;
}

/** Forgets nothing but at a restart, and counts as a person would who reads it all. */
class Reader {
  #beats: Beat[] = [];
  /** How many there were when an attempt was first seen to run. */
  #runsSince = new Map<string, number>();

  note(w: CoreWorld): void {
    for (const job of w.state.alive()) {
      const name = `${job.id} ${job.attempt}`;
      if (job.phase === "running" && !this.#runsSince.has(name)) this.#runsSince.set(name, this.#beats.length);
    }
  }

  beat(w: CoreWorld, node: string): void {
    const minima = new Map([...w.state.tenants.values()].map((it) => [it.id, it.minGpuUtilization ?? 0]));
    this.#beats.push({ at: w.now, node, readings: new Map(w.node(node).utilization), minima });
  }

  forget(w: CoreWorld): void {
    this.#beats = [];
    this.#runsSince.clear();
    this.note(w);
  }

  /** For how long the idlest device of the job has been so that is read now. */
  idleMs(w: CoreWorld, job: Job): number {
    let longest = 0;
    for (const { node, devices, milli } of job.allocations.filter(isHeld)) {
      const isRead = w.node(node).session !== undefined && milli === undefined;
      for (const device of isRead ? devices : []) {
        longest = Math.max(longest, this.#idleMs(job, node, device));
      }
    }
    return longest;
  }

  #idleMs(job: Job, node: string, device: string): number {
    const since = this.#runsSince.get(`${job.id} ${job.attempt}`) ?? 0;
    let [idleMs, minimum] = [0, 0];
    let last: number | undefined;
    for (const beat of this.#beats.slice(since)) {
      if (beat.node !== node) continue;
      const wanted = beat.minima.get(job.tenantId) ?? 0;
      if (wanted !== minimum) [idleMs, last, minimum] = [0, undefined, wanted];
      const reading = beat.readings.get(device);
      if (reading !== undefined && reading >= minimum) idleMs = 0;
      const isIdle = reading !== undefined && reading < minimum;
      if (isIdle && last !== undefined && beat.at - last < SILENT_MS) idleMs += beat.at - last;
      last = isIdle ? beat.at : undefined;
    }
    return last === undefined ? 0 : idleMs;
  }
}

const seen = { stopped: 0, gangs: 0, told: 0 };

class Scene {
  readonly #w = new CoreWorld();
  readonly #reader = new Reader();
  readonly #ids: JobId[] = [];
  readonly #reading = new Map<string, readonly (number | undefined)[]>();

  constructor() {
    for (const tenant of TENANTS) this.#w.addTenant(tenant, { minGpuUtilization: 10, gpuIdleWindowMinutes: 2 });
    for (const name of NODES) this.#w.addNode(name, { gpus: 2, allowsSharing: true });
  }

  perform(step: Action): void {
    const w = this.#w;
    const id = "job" in step ? this.#ids[step.job % Math.max(1, this.#ids.length)] : undefined;
    if (step.kind === "submit") this.#submit(step);
    else if (step.kind === "begin") {
      for (const job of [...w.state.alive()]) if (job.phase === "starting") w.beginAll(job.id);
    } else if (step.kind === "beats") this.#beats(step);
    else if (step.kind === "policy") this.#setPolicy(step);
    else if (step.kind === "end") {
      if (id) this.#end(id, step);
    } else if (step.kind === "leave") {
      if (id && w.job(id).phase === "stopping") w.stopped(id);
    } else if (step.kind === "restart") {
      w.restart();
      this.#reader.forget(w);
      for (const name of NODES) w.hello(name);
    } else w[step.kind](step.node);
    this.#reader.note(w);
  }

  #submit({ tenant, gpus, isPart }: Action & { kind: "submit" }): void {
    const answer = this.#w.trySubmit({
      tenantId: asTenantId(tenant),
      gpuCount: gpus,
      onNodeLost: "wait",
      ...(gpus === 4 ? { gang: true, gpusPerNode: 2 } : {}),
      ...(gpus === 1 && isPart ? { gpuMilli: 500 } : {}),
    });
    if (answer && "jobId" in answer) this.#ids.push(answer.jobId);
  }

  #end(id: JobId, { rank, how }: Action & { kind: "end" }): void {
    const { phase, allocations } = this.#w.job(id);
    if ((phase !== "starting" && phase !== "running") || allocations[rank]?.state.phase !== "running") return;
    if (how === "well") this.#w.end(id, 0, rank);
    else this.#w.endAs(id, { kind: "node", message: "lost" }, rank);
  }

  /** All nodes are heard at once with the new one. */
  #setPolicy({ tenant, minimum, minutes }: Action & { kind: "policy" }): void {
    const change = { limits: {}, minGpuUtilization: minimum, gpuIdleWindowMinutes: minutes };
    for (const name of NODES) if (this.#w.node(name).session === undefined) this.#w.hello(name);
    this.#w.apply({ kind: "update-tenant", tenantId: asTenantId(tenant), change });
    this.#beat(1_000);
  }

  #beats({ readings: percents, count, ms }: Action & { kind: "beats" }): void {
    for (const [index, name] of NODES.entries()) this.#reading.set(name, percents.slice(2 * index, 2 * index + 2));
    for (let beat = 0; beat < count; beat += 1) this.#beat(ms);
  }

  #beat(ms: number): void {
    const w = this.#w;
    this.#reader.note(w);
    w.now += ms;
    for (const name of NODES) {
      const { utilization, session } = w.node(name);
      utilization.clear();
      for (const [index, percent] of (this.#reading.get(name) ?? []).entries()) {
        if (percent !== undefined) utilization.set(asDeviceId(`${name}-gpu-${index}`), percent);
      }
      if (session === undefined) continue;
      w.heartbeat(name);
      this.#reader.beat(w, name);
    }
    const running = [...w.state.alive()].filter(({ phase }) => phase === "running");
    w.apply({ kind: "tick" });
    for (const job of running) this.#check(job);
  }

  #check(before: Job): void {
    const w = this.#w;
    const idleMs = this.#reader.idleMs(w, before);
    const { gpuIdleWindowMinutes = 60 } = w.state.tenant(before.tenantId);
    const after = w.job(before.id);
    const expected = idleMs >= gpuIdleWindowMinutes * MINUTE_MS ? idleMs : undefined;
    const verdict = after.phase === "stopping" && after.verdict.kind === "failed" ? after.verdict : undefined;
    expect(verdict?.idle?.idleMs, `${before.id} at ${w.now}`).toBe(expected);
    if (expected !== undefined) seen.stopped += 1;
    if (expected !== undefined && before.allocations.length > 1) seen.gangs += 1;
    const isTold = after.history.some(({ kind }) => kind === "gpu-idle");
    if (2 * idleMs >= gpuIdleWindowMinutes * MINUTE_MS && expected === undefined) {
      expect(isTold, `${before.id} is told`).toBe(true);
      seen.told += 1;
    }
  }
}

test("whatever happens, a job is stopped as soon as a device has been idle for the window, and no other is", () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 10, maxLength: 60, size: "max" }), (actions) => {
      const scene = new Scene();
      for (const step of actions) scene.perform(step);
    }),
    { numRuns: 150 },
  );
  expect(Math.min(seen.stopped, seen.gangs, seen.told)).toBeGreaterThan(20);
});
