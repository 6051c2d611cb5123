/** A virtual cluster whose users do all they can to keep one large job from ever starting. */
import type { Policy } from "../../controller/core/model/policy.ts";
import { VirtualCluster } from "../../controller/replay/virtual-cluster.ts";
import type { ReplayJob, ReplayNode, ReplayTenant } from "../../controller/replay/workload.ts";
import { Random } from "./random.ts";

const MINUTE = 60_000;
/** The longest limit of any job, in minutes. */
export const LONGEST_MINUTES = 30;
/** What every job takes to end when it is told to make room. */
export const LEAVING_MS = 5 * MINUTE;
/** Waiting counts a thousand times faster than by default, so that days become minutes. */
export const AGING = { stepMs: 10 * MINUTE, points: 1_000, strictAfterMs: 50 * MINUTE };

/** What the victim of it all is: a gang of all GPUs that any model will do for, of the least tenant, with the least priority. */
const GANG_NODES = 4;
export const GANG = "gang";
const NEWCOMERS = Array.from({ length: 60 }, (_, index) => `new-${index}`);

const NODES: readonly ReplayNode[] = Array.from({ length: GANG_NODES }, (_, index) => ({
  name: `node-${index + 1}`,
  gpus: 8,
  gpuModel: index % 2 === 0 ? "A100" : "H100",
  gpuMemoryMb: 80_000,
  cpuCores: 32,
  memoryMb: 64_000,
  allowsSharing: true,
}));

const TENANTS: readonly ReplayTenant[] = [
  // Its weight makes it the one that has used most, whatever the others do.
  { id: "poor", tier: "low", fairShareWeight: 0.001 },
  { id: "batch", tier: "high", allowPreemption: true },
  { id: "vip", tier: "critical", canPreemptOthers: true, allowPreemption: false },
  ...NEWCOMERS.map((id): ReplayTenant => ({ id, tier: "critical", allowPreemption: false })),
];

/** How the others go about it. */
export interface Streams {
  readonly seed: number;
  /** GPU-minutes that are asked for in each minute, against those that there are. */
  readonly load: number;
  /** Whether some of them have others make room for them. */
  readonly preempt: boolean;
}

export class StarvingStreams {
  readonly cluster: VirtualCluster;
  readonly #random: Random;
  readonly #streams: Streams;
  #count = 0;
  #minute = 0;

  constructor(policy: Policy, streams: Streams) {
    this.#random = new Random(streams.seed);
    this.#streams = streams;
    const preemption = { minRunMs: MINUTE, minWaitMs: 0, maxGpusPerGpu: 2 };
    const options = { nodes: NODES, tenants: TENANTS, stopTakesMs: LEAVING_MS };
    this.cluster = new VirtualCluster({ ...options, policy: { ...policy, aging: AGING, preemption } });
  }

  /** Everybody is busy, and then the gang comes. */
  begin(): void {
    for (let minute = 0; minute < LONGEST_MINUTES; minute += 1) this.pass();
    const packed = this.#random.next() < 0.5;
    const spec = { name: GANG, priority: 0, gpuCount: 8 * GANG_NODES, gang: true, cpuCores: 8 * GANG_NODES };
    const gang = { ...spec, ...(packed ? {} : { gpusPerNode: 8 }), maxRuntimeMinutes: LONGEST_MINUTES };
    this.cluster.run([this.#job("poor", 0, gang)], this.cluster.now);
  }

  /** One minute passes, with all that is submitted in it. */
  pass(): void {
    const random = this.#random;
    const jobs: ReplayJob[] = [];
    if (this.#minute % 40 === 0) jobs.push(this.#tooLarge());
    const wanted = this.#streams.load * 8 * GANG_NODES;
    for (let asked = 0; asked < wanted; ) {
      const minutes = this.#minutes();
      const gpus = random.pick([1, 1, 2, 4, 8]) ?? 1;
      asked += gpus * minutes;
      const spec = { name: "fodder", gpuCount: gpus, cpuCores: gpus, priority: 10_000, ...this.#wishes(gpus) };
      jobs.push(this.#job(this.#tenant(), minutes, { ...spec, maxRuntimeMinutes: minutes, graceSeconds: 600 }));
    }
    this.#minute += 1;
    this.cluster.run(jobs, this.cluster.now + MINUTE);
  }

  /** Exactly as long as would just pass, a little more, or anything. */
  #minutes(): number {
    const { state, at } = this.cluster;
    const kept = this.#random.pick(state.scheduling.reservations);
    const fitting = kept ? Math.floor((kept.at - at) / MINUTE) + (this.#random.next() < 0.3 ? 1 : 0) : 0;
    const minutes = this.#random.next() < 0.6 ? fitting : this.#random.between(1, LONGEST_MINUTES);
    return Math.min(LONGEST_MINUTES, Math.max(1, minutes));
  }

  #tenant(): string {
    const kind = this.#random.next();
    if (kind < 0.2) return this.#streams.preempt ? "vip" : "batch";
    if (kind < 0.6) return "batch";
    return this.#random.pick(NEWCOMERS) ?? "batch";
  }

  /** Jobs of other pools may use the same nodes. */
  #wishes(gpus: number): Partial<ReplayJob["spec"]> {
    const kind = this.#random.next();
    if (kind < 0.2) return { gpuModel: "h100" };
    if (kind < 0.3) return { gpuCount: 0, cpuCores: 8 };
    if (kind < 0.4 && gpus === 1) return { gpuMilli: 500 };
    return {};
  }

  /** Comes first of all, and fits nowhere. */
  #tooLarge(): ReplayJob {
    const spec = { name: "too large", gpuCount: 8 * GANG_NODES + 1, gang: true, priority: 10_000 };
    return this.#job("vip", 1, { ...spec, maxRuntimeMinutes: 1 });
  }

  #job(tenant: string, minutes: number, spec: ReplayJob["spec"]): ReplayJob {
    this.#count += 1;
    const name = spec.name === GANG ? GANG : `${spec.name} ${this.#count}`;
    return { name, tenant, submitMs: this.cluster.now, runMs: minutes * MINUTE, spec };
  }
}
