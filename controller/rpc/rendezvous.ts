import type { Effect } from "../core/output.ts";

const FIRST_PORT = 20_000;
const PORTS = 10_000;

/**
 * The variables by which the ranks of a gang find each other, named as torchrun names them; none for a job that is no gang.
 * RANK is the node's rank, WORLD_SIZE the number of GPUs in all, NPROC_PER_NODE those of this node.
 */
export function rendezvous({
  job,
  spec,
  allocation,
  masterAddress,
}: Effect & { kind: "launch" }): Record<string, string> {
  if (!spec.gang) return {};
  return {
    RANK: String(allocation.rank),
    NODE_RANK: String(allocation.rank),
    WORLD_SIZE: String(job.gpuCount),
    NNODES: String(job.allocations.length),
    NPROC_PER_NODE: String(allocation.devices.length),
    MASTER_ADDR: masterAddress,
    MASTER_PORT: String(masterPort(job.id, job.attempt)),
  };
}

/** A port below the ephemeral range that differs between jobs and attempts, so that a slow end does not block a start. */
function masterPort(jobId: string, attempt: number): number {
  let hash = attempt;
  for (const character of jobId) hash = (hash * 31 + character.charCodeAt(0)) % PORTS;
  return FIRST_PORT + hash;
}
