import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTraceJobs, readTraceNodes } from "./trace.ts";
import { replayJobs } from "./workload.ts";

const JOBS = `job_id,user_or_tenant,submit_s,gpus,gpu_per_node,replicas,gpu_milli,cpus,mem_mb,duration_s,final_state,priority,gpu_model_req,est_s
late,x,100,16,8,2,,,,50,completed,,,40
early,,40,1,1,1,250,1.5,2048,60,,,A|B,
broken,x,50,1,,,,,,-1,,,,
unknown,x,50,-1,,,,,,60,,,,
`;
const NODES = "node_id,gpus,gpu_model,gpu_mem_mb,cpus,mem_mb\nn,2,P100,16280,64,262144\n";

const ignore = () => undefined;
let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "trace-"));
  writeFileSync(join(directory, "jobs.csv.gz"), gzipSync(JOBS));
  writeFileSync(join(directory, "nodes.csv"), NODES);
});

afterAll(() => rmSync(directory, { recursive: true }));

test("rows become jobs in the order of submission, from 0, without those of negative length or size", () => {
  const jobs = replayJobs(readTraceJobs(join(directory, "jobs.csv.gz"), ignore), "requested");
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
  const rows = readTraceJobs(join(directory, "jobs.csv.gz"), ignore);
  const limits = (kind: "stretched" | "none") => replayJobs(rows, kind).at(-1)?.spec.maxRuntimeMinutes;
  expect([limits("stretched"), limits("none")]).toEqual([50 / 60, undefined]);
});

test("rows become nodes", () => {
  expect(readTraceNodes(join(directory, "nodes.csv"), ignore)).toEqual([
    { name: "n", gpus: 2, gpuModel: "P100", gpuMemoryMb: 16_280, cpuCores: 64, memoryMb: 262_144, allowsSharing: true },
  ]);
});

/** What is read of a table of jobs, or of nodes, and what is told of it. */
function read<T>(reader: (path: string, note: (sentence: string) => void) => T, ...lines: readonly string[]) {
  const path = join(directory, "some.csv");
  writeFileSync(path, lines.join("\n"));
  const notes: string[] = [];
  const result = reader(path, (sentence) => notes.push(sentence.replace(path, "FILE")));
  return { result, notes };
}

const FEW = "submit_s,gpus,duration_s";

test("numbers may be decimal, have an exponent, a sign or blanks around them", () => {
  const { result, notes } = read(readTraceJobs, FEW, "1e3,2.0,+1.5e1", '" 0.25 ",.5e1, 7 ');
  expect(result.map(({ submitS, gpus, durationS }) => [submitS, gpus, durationS])).toEqual([
    [1_000, 2, 15],
    [0.25, 5, 7],
  ]);
  expect(notes).toEqual([]);
});

test("what a table does not have is not known, and every row is a job of its own", () => {
  const { result } = read(readTraceJobs, `job_id,${FEW}`, "a,5,1,", "a,,0,3", ",1,1,1", "a,1,1,1");
  expect(
    result.map(({ name, tenant, submitS, durationS, replicas }) => [name, tenant, submitS, durationS, replicas]),
  ).toEqual([
    ["a", "none", 5, undefined, 1],
    ["a (line 3)", "none", undefined, 3, 1],
    ["line 4", "none", 1, 1, 1],
    ["a (line 5)", "none", 1, 1, 1],
  ]);
});

test("how GPUs lie on nodes follows from any two of their numbers", () => {
  const { result } = read(
    readTraceJobs,
    `${FEW},gpu_per_node,replicas`,
    ...["1,16,1,8,2", "1,16,1,8,", "1,16,1,,2", "1,16,1,,", "1,0,1,0,1", "1,0,1,,"],
  );
  const shapes = result.map(({ gpusPerNode, replicas }) => `${gpusPerNode}x${replicas}`);
  expect(shapes).toEqual(["8x2", "8x2", "8x2", "16x1", "0x1", "0x1"]);
});

test("rows left out and columns that are not read are told of", () => {
  const { notes } = read(
    readTraceJobs,
    `${FEW},colour,priority`,
    "1,-1,1,,",
    "1,1,-1,red,",
    "-1,1,1,red,9",
    "1,1,1,red,9",
  );
  expect(notes).toEqual([
    "FILE: columns that are not read: colour",
    "FILE: rows left out for a negative time or number of GPUs: 3 of 4",
  ]);
});

describe("a trace that cannot be used says where and why:", () => {
  test.each([
    ["hexadecimal", FEW, "1,0x8,1", 'line 2, column gpus: "0x8" is not a number'],
    ["NaN", FEW, "NaN,1,1", 'line 2, column submit_s: "NaN" is not a number'],
    ["infinity", FEW, "1,1,Infinity", 'line 2, column duration_s: "Infinity" is not a number'],
    ["a word", FEW, "1,1,long", 'line 2, column duration_s: "long" is not a number'],
    ["a comma for a point", FEW, '1,1,"1,5"', 'line 2, column duration_s: "1,5" is not a number'],
    ["milliseconds", FEW, "1700000000000,1,1", "line 2, column submit_s: 1700000000000 is more than 10000000000"],
    ["a part of GPUs", FEW, "1,0.5,1", "line 2, column gpus: 0.5 should be a whole number"],
    ["no GPUs given", FEW, "1,,1", "line 2, column gpus: there must be a number"],
    ["less than no core", `${FEW},cpus`, "1,1,1,-2", "line 2, column cpus: -2 is less than 0"],
    ["a share above one", `${FEW},gpu_milli`, "1,1,1,1001", "line 2, column gpu_milli: 1001 is more than 1000"],
    ["a share of nothing", `${FEW},gpu_milli`, "1,1,1,0", "line 2, column gpu_milli: 0 of each GPU is no GPU"],
    ["no replica", `${FEW},replicas`, "1,1,1,0", "line 2, column replicas: 0 is less than 1"],
    ["replicas of nothing", `${FEW},replicas`, "1,0,1,2", "line 2, column replicas: a job without GPUs cannot"],
    [
      "too few replicas",
      `${FEW},gpu_per_node,replicas`,
      "1,9,1,2,3",
      "gpus: 9 is not gpu_per_node times replicas, 2 times 3",
    ],
    ["uneven replicas", `${FEW},replicas`, "1,3,1,2", "gpus: 3 is not gpu_per_node times replicas, 1.5 times 2"],
    ["a column that is missing", "submit_s,gpu,duration_s", "1,1,1", "has no column gpus; is it gpu?"],
  ])("%s", (_, heading, row, message) => expect(() => read(readTraceJobs, heading, row)).toThrow(message));

  test.each([
    ["two nodes of one name", "node_id,gpus", ["a,1", "a,2"], "line 3, column node_id: there are two nodes a"],
    ["no nodes", "node_id,gpus", [], "has no nodes"],
    ["a node without a number of GPUs", "node_id,gpus", ["a,"], "line 2, column gpus: there must be a number"],
    ["too many GPUs", "node_id,gpus", ["a,10001"], "line 2, column gpus: 10001 is more than 10000"],
    ["memory of a word", "node_id,gpus,mem_mb", ["a,1,64G"], 'line 2, column mem_mb: "64G" is not a number'],
  ])("%s", (_, heading, rows, message) => {
    expect(() => read(readTraceNodes, heading, ...rows)).toThrow(message);
  });
});
