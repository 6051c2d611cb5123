import { expect, test } from "vitest";
import type { JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { explain } from "./explain.ts";
import { Outlook } from "./outlook.ts";
import { atOnce } from "./slices.ts";

function explained(w: CoreWorld, id: JobId) {
  return atOnce(explain(w.state, w.job(id), new Outlook(w.state, w.now)));
}

test("every limit of the tenant that is in the way is named, not the first alone", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpus: 1, cpuCores: 2, memoryMb: 2_048, concurrentJobs: 1 }, gpuHoursBudget: 1 });
  w.addNode("node-1");
  const wanted = { cpuCores: 2, memoryMb: 2_048, maxRuntimeMinutes: 60 };
  w.begin(w.submit(wanted));
  const { blockers } = explained(w, w.submit(wanted));
  expect(blockers.map((it) => (it.kind === "quota" ? it.block.resource : it.kind))).toEqual([
    "gpus",
    "cpuCores",
    "memoryMb",
    "jobs",
    "budget",
  ]);
  expect(w.trySubmit({ gpuCount: 2, cpuCores: 3, memoryMb: 2_049 })).toMatchObject({
    fields: [{ field: "gpu_count" }, { field: "cpu_cores" }, { field: "memory_mb" }],
  });
});

test("all that is in the way on a node is named, not the first alone", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 2, cpuCores: 4, memoryMb: 4_000, executor: "docker" });
  w.addNode("node-2", { gpus: 2, cpuCores: 4, memoryMb: 4_000, labels: { zone: "b" } });
  w.disconnect("node-1");
  w.begin(w.submit({ gpuCount: 1, cpuCores: 2, memoryMb: 1_000 }));
  const nodeSelector = { zone: "a", rack: "r1" };
  const { nodes } = explained(w, w.submit({ gpuCount: 2, cpuCores: 8, memoryMb: 3_500, nodeSelector }));
  expect(nodes).toMatchObject([
    {
      node: "node-1",
      verdict: { answer: "never", reason: { kind: "needs-image" } },
      others: [
        { kind: "selector", label: "zone" },
        { kind: "selector", label: "rack" },
        { kind: "too-few-cores", has: 4, wants: 8 },
        { kind: "not-connected" },
      ],
    },
    {
      node: "node-2",
      verdict: { answer: "never", reason: { kind: "selector", label: "zone" } },
      others: [
        { kind: "selector", label: "rack" },
        { kind: "too-few-cores", has: 4, wants: 8 },
        { kind: "gpus-busy", free: 1, wants: 2 },
        { kind: "memory-busy", freeMb: 3_000, wantsMb: 3_500 },
      ],
    },
  ]);
});

test("a gang whose cores are rounded up to more than its tenant may ever hold is refused, not left to wait", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { cpuCores: 3 } });
  w.addNode("node-1");
  w.addNode("node-2");
  const gang = { gpuCount: 2, gang: true, gpusPerNode: 1 };
  expect(w.trySubmit({ ...gang, cpuCores: 3 })).toMatchObject({ fields: [{ field: "cpu_cores" }] });
  expect(w.job(w.submit({ ...gang, cpuCores: 2 })).phase).toBe("starting");
});
