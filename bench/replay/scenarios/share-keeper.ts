import type { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import type { QueueScenario } from "../compare.ts";

/** Keeps count of the jobs that tenants have within equal shares of a cluster. */
export class ShareKeeper {
  readonly #cluster: VirtualCluster;
  /** In GPUs. */
  readonly #share: number;
  /** Of each tenant those that may not be over yet. */
  readonly #within = new Map<string, ReplayJob[]>();

  constructor(cluster: VirtualCluster, { nodes, jobs }: QueueScenario) {
    this.#cluster = cluster;
    this.#share = nodes.reduce((sum, { gpus }) => sum + gpus, 0) / new Set(jobs.map(({ tenant }) => tenant)).size;
  }

  /** Whether the job, which is about to be submitted, is within its tenant's share beside those that are; it is one of them then. */
  isWithinShare(job: ReplayJob): boolean {
    const others = (this.#within.get(job.tenant) ?? []).filter((other) => !this.#isOver(other));
    this.#within.set(job.tenant, others);
    const gpus = others.reduce((sum, { spec }) => sum + spec.gpuCount, job.spec.gpuCount);
    if (gpus > this.#share) return false;
    others.push(job);
    return true;
  }

  #isOver({ name }: ReplayJob): boolean {
    const id = this.#cluster.idOf(name);
    return id !== undefined && this.#cluster.state.jobs.get(id)?.phase === "finished";
  }
}
