import { VirtualCluster } from "../../controller/replay/virtual-cluster.ts";
import type { ReplayJob, ReplayNode } from "../../controller/replay/workload.ts";

/**
 * Tells of jobs whether they start on these nodes when nothing else is there, by the production core's word. Jobs that differ
 * only in who asks, when and for how long are tried once.
 */
export function canEverStart(nodes: readonly ReplayNode[]): (job: ReplayJob) => boolean {
  const cluster = new VirtualCluster({ nodes, tenants: [{ id: "anybody", tier: "critical" }] });
  const known = new Map<string, boolean>();
  return (job) => {
    const { maxRuntimeMinutes: _, ...spec } = job.spec;
    const shape = JSON.stringify(spec);
    let answer = known.get(shape);
    if (answer === undefined) {
      answer = cluster.tryStart({ name: shape, tenant: "anybody", submitMs: 0, runMs: 0, spec });
      // It ends where it started.
      cluster.run([], cluster.now);
      known.set(shape, answer);
    }
    return answer;
  };
}
