import { expect, test } from "vitest";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { type Demand, demandOf } from "../model/job.ts";
import { judge, shareOf } from "./filter.ts";
import type { State } from "../model/state.ts";
import { compareNatural } from "../model/natural-order.ts";
import { findPlaces } from "./place.ts";

function demand(fields: Partial<Demand>): Demand {
  const base = demandOf({ tenantId: "tenant-1" as never, name: "j", gpuCount: 1 });
  return { ...base, cpuCores: 1, memoryMb: 1, ...fields };
}

/** Where the demand would be placed if nothing were kept for others. */
function placesFor(state: State, wanted: Demand) {
  const kind = { demand: wanted, shape: JSON.stringify(wanted), pool: "" };
  return findPlaces(state, { kind, at: 0, until: 0, jobId: undefined, wasKept: false });
}

test("the node that is left with the fewest free GPUs is taken, so that whole nodes stay free", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("big", { gpus: 8 });
  w.addNode("small", { gpus: 2 });
  expect(placesFor(w.state, demand({ gpus: 2 }))?.[0]?.node.record.name).toBe("small");
  expect(placesFor(w.state, demand({ gpus: 3 }))?.[0]?.node.record.name).toBe("big");
});

test("the smallest GPUs that suffice are taken, and a job without GPUs stays off GPU nodes", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("a100", { gpus: 4, gpuMemoryMb: 80_000 });
  w.addNode("t4", { gpus: 4, gpuMemoryMb: 16_000 });
  w.addNode("cpu", { gpus: 0 });
  const placeOf = (fields: Partial<Demand>) => placesFor(w.state, demand(fields))?.[0]?.node.record.name;
  expect(placeOf({ gpus: 1 })).toBe("t4");
  expect(placeOf({ gpus: 1, gpuMemoryMb: 16_001 })).toBe("a100");
  expect(placeOf({ gpus: 0 })).toBe("cpu");
});

test("models match by any of their parts whatever the case, and selectors by equality", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("h", { model: "NVIDIA H100 80GB HBM3", labels: { zone: "a" } });
  const [node] = [...w.state.nodes.values()];
  const verdict = (fields: Partial<Demand>) => node && judge(node, demand(fields), shareOf(demand(fields), 1));
  expect(verdict({ gpuModels: ["a100", "h100"] })).toEqual({ answer: "fits" });
  expect(verdict({ gpuModels: ["a100"] })).toMatchObject({ answer: "never", reason: { kind: "too-few-gpus", has: 0 } });
  expect(verdict({ nodeSelector: { zone: "a" } })).toEqual({ answer: "fits" });
  expect(verdict({ nodeSelector: { zone: "b" } })).toMatchObject({ answer: "never", reason: { kind: "selector" } });
});

test("each refusal has its reason: never for what an empty node lacks, not now for what is taken", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("n", { gpus: 2, cpuCores: 4, memoryMb: 1_000, executor: "docker" });
  const [node] = [...w.state.nodes.values()];
  if (!node) throw new Error("no node");
  const ask = (fields: Partial<Demand>) => {
    const wanted = demand({ hasImage: true, ...fields });
    return judge(node, wanted, shareOf(wanted, wanted.gpus));
  };
  expect(ask({ gpus: 3 })).toMatchObject({ answer: "never", reason: { kind: "too-few-gpus" } });
  expect(ask({ cpuCores: 5 })).toMatchObject({ answer: "never", reason: { kind: "too-few-cores" } });
  expect(ask({ memoryMb: 1_001 })).toMatchObject({ answer: "never", reason: { kind: "too-little-memory" } });
  expect(ask({ hasImage: false })).toMatchObject({ answer: "never", reason: { kind: "needs-image" } });
  w.submit({ gpuCount: 1, cpuCores: 3, memoryMb: 900, image: "i" });
  expect(ask({ gpus: 2 })).toMatchObject({ answer: "not-now", reason: { kind: "gpus-busy", free: 1 } });
  expect(ask({ cpuCores: 2 })).toMatchObject({ answer: "not-now", reason: { kind: "cores-busy", free: 1 } });
  expect(ask({ memoryMb: 101 })).toMatchObject({ answer: "not-now", reason: { kind: "memory-busy", freeMb: 100 } });
  node.executorReady = false;
  expect(ask({})).toMatchObject({ answer: "not-now", reason: { kind: "executor-not-ready" } });
});

test("a job with volumes fits only nodes that allow each of them, and the others say which one they do not", () => {
  const w = new CoreWorld();
  w.addTenant();
  const volumePrefixes = [
    { path: "/data", writable: false },
    { path: "/out", writable: true },
  ];
  w.addNode("docker", { executor: "docker", volumePrefixes });
  w.addNode("process", { executor: "process", volumePrefixes });
  const [docker, plain] = [...w.state.nodes.values()];
  if (!docker || !plain) throw new Error("two nodes");
  const ask = (source: string, readOnly: boolean, { node = docker, target = "/mnt" } = {}) => {
    const good = { source: "/out", target: "/out", readOnly: false };
    const wanted = demand({ hasImage: true, gpus: 0, volumes: [good, { source, target, readOnly }] });
    return judge(node, wanted, shareOf(wanted, 0));
  };
  const never = (problem: string, source: string) => ({ answer: "never", reason: { kind: "volume", problem, source } });
  expect(ask("/data/set", true)).toEqual({ answer: "fits" });
  expect(ask("/out/x", false)).toEqual({ answer: "fits" });
  expect(ask("/data-beside", true)).toEqual(never("not-allowed", "/data-beside"));
  expect(ask("/data/set", false)).toEqual(never("read-only", "/data/set"));
  expect(ask("/data/set", true, { node: plain })).toEqual(never("elsewhere", "/data/set"));
  expect(ask("/data/set", true, { node: plain, target: "/data/set" })).toEqual({ answer: "fits" });
});

test("a job whose volumes no node allows says so, and starts once one does", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("n", { executor: "docker" });
  const volumes = [{ source: "/data", target: "/mnt", readOnly: true }];
  const waiting = w.submit({ gpuCount: 1, image: "i", volumes });
  const plain = w.submit({ gpuCount: 1, image: "i" });
  expect([w.job(waiting).phase, w.job(plain).phase]).toEqual(["queued", "starting"]);
  w.addNode("m", { executor: "docker", volumePrefixes: [{ path: "/data", writable: false }] });
  expect(w.job(waiting)).toMatchObject({ phase: "starting", allocations: [{ node: "m" }] });
});

test("names are ordered with their numbers by value", () => {
  expect(["node-10", "node-9", "node-1", "b", "a2b", "a10b"].sort(compareNatural)).toEqual([
    "a2b",
    "a10b",
    "b",
    "node-1",
    "node-9",
    "node-10",
  ]);
});
