import type { JobId } from "../../../base/ids.ts";
import type { Cluster } from "./cluster.ts";
import type { Claim } from "./job.ts";

/**
 * The room that is kept for queued jobs while others leave, by job and by node. It is derived from the jobs' rows, so that
 * it survives a restart of the controller.
 */
export class Claims {
  readonly #cluster: Cluster;
  readonly #byJob = new Map<JobId, Claim>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get size(): number {
    return this.#byJob.size;
  }

  get(id: JobId): Claim | undefined {
    return this.#byJob.get(id);
  }

  keys(): Iterable<JobId> {
    return this.#byJob.keys();
  }

  /** The claims and whose they are, oldest first. */
  [Symbol.iterator](): Iterator<readonly [JobId, Claim]> {
    return this.#byJob[Symbol.iterator]();
  }

  /** From now on nobody else is given this room. */
  add(id: JobId, claim: Claim): void {
    this.#byJob.set(id, claim);
    for (const share of claim.shares) {
      const node = this.#cluster.byName.get(share.node);
      if (!node) continue;
      node.claims.set(id, share);
      this.#cluster.touch(node);
    }
  }

  /** Gives the room up; false when the job had none. */
  remove(id: JobId): boolean {
    const claim = this.#byJob.get(id);
    if (!claim) return false;
    this.#byJob.delete(id);
    for (const share of claim.shares) {
      const node = this.#cluster.byName.get(share.node);
      if (node?.claims.delete(id)) this.#cluster.touch(node);
    }
    return true;
  }
}
