import { expect, test } from "vitest";
import { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import { uniformNodes } from "../trace.ts";
import { ShareKeeper } from "./share-keeper.ts";

function job(name: string, tenant: string, submitS: number, gpuCount: number): ReplayJob {
  return { name, tenant, submitMs: submitS * 1_000, runMs: 10_000, spec: { name: "job", gpuCount } };
}

test("a tenant's jobs are within an equal share as long as those of them that are not over leave room in it", () => {
  const nodes = uniformNodes(1, 8);
  const jobs = [
    job("a", "x", 0, 3),
    job("b", "x", 0, 2),
    job("c", "y", 0, 4),
    job("d", "x", 0, 1),
    job("e", "x", 10, 2),
  ];
  const cluster = new VirtualCluster({ nodes, tenants: [{ id: "x" }, { id: "y" }] });
  const keeper = new ShareKeeper(cluster, { name: "", nodes, jobs, baselines: [] });
  const isWithin = jobs.map((one) => {
    if (one.submitMs > cluster.now) cluster.run([], one.submitMs);
    const answer = keeper.isWithinShare(one);
    cluster.run([one], one.submitMs);
    return answer;
  });
  // Of four GPUs x has three, then four; when they are free again there is room.
  expect(isWithin).toEqual([true, false, true, true, true]);
});
