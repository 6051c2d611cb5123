import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTraceJobs, readTraceNodes } from "./trace.ts";
import { replayJobs } from "./workload.ts";

const JOBS = `job_id,user_or_tenant,submit_s,gpus,gpu_per_node,replicas,gpu_milli,cpus,mem_mb,duration_s,final_state,priority,gpu_model_req,est_s
late,x,100,16,8,2,,,,50,completed,,,40
early,,40,1,1,1,250,1.5,2048,60,,,A|B,
broken,x,50,1,,,,,,-1,,,,
unknown,x,50,-1,,,,,,60,,,,
`;
const NODES = "node_id,gpus,gpu_model,gpu_mem_mb,cpus,mem_mb\nn,2,P100,16280,64,262144\n";

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "trace-"));
  writeFileSync(join(directory, "jobs.csv.gz"), gzipSync(JOBS));
  writeFileSync(join(directory, "nodes.csv"), NODES);
});

afterAll(() => rmSync(directory, { recursive: true }));

test("rows become jobs in the order of submission, from 0, without those of negative length or size", () => {
  const jobs = replayJobs(readTraceJobs(join(directory, "jobs.csv.gz")), "requested");
  const common = { name: "job", memoryMb: 0, cpuCores: 0 };
  expect(jobs).toEqual([
    {
      name: "early",
      tenant: "none",
      submitMs: 0,
      runMs: 60_000,
      spec: { ...common, gpuCount: 1, gpuMilli: 250, gpuModel: "A|B", cpuCores: 1_500, memoryMb: 2_048 },
    },
    {
      name: "late",
      tenant: "x",
      submitMs: 60_000,
      runMs: 50_000,
      spec: { ...common, gpuCount: 16, gang: true, gpusPerNode: 8, maxRuntimeMinutes: 40 / 60 },
    },
  ]);
});

test("requested times end no job when they are stretched or left out", () => {
  const rows = readTraceJobs(join(directory, "jobs.csv.gz"));
  const limits = (kind: "stretched" | "none") => replayJobs(rows, kind).at(-1)?.spec.maxRuntimeMinutes;
  expect([limits("stretched"), limits("none")]).toEqual([50 / 60, undefined]);
});

test("rows become nodes", () => {
  expect(readTraceNodes(join(directory, "nodes.csv"))).toEqual([
    { name: "n", gpus: 2, gpuModel: "P100", gpuMemoryMb: 16_280, cpuCores: 64, memoryMb: 262_144, allowsSharing: true },
  ]);
});
