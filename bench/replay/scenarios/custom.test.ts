import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { POLICIES } from "../../../controller/core/model/policy.ts";
import { compare } from "../compare.ts";
import { customScenario } from "./custom.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "custom-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const HEADING = "job_id,user_or_tenant,submit_s,gpus,gpu_per_node,replicas,gpu_milli,duration_s,gpu_model_req,est_s";

/** The scenario of a table of jobs, and what is told of it. */
function scenarioOf(nodes: string, ...rows: readonly string[]) {
  const jobs = join(directory, "jobs.csv");
  writeFileSync(jobs, [HEADING, ...rows].join("\n"));
  const notes: string[] = [];
  const note = (sentence: string) => void notes.push(sentence.replace(`${jobs}: `, ""));
  return { scenario: customScenario({ jobs, nodes, limits: "requested" }, note), notes };
}

/** The figures of every row whose name begins so. */
function figuresOf(name: string, nodes: string, ...rows: readonly string[]) {
  const { scenario } = scenarioOf(nodes, ...rows);
  const core = new Map(Object.entries(POLICIES));
  const results = [...compare(scenario, { core, isWanted: (row) => row.startsWith(name) })];
  return results.map(({ figures }) => figures);
}

test("jobs that never could start are left out by name, and hold up nobody", () => {
  const rows = [
    "a,u,0,1,1,1,,10,,",
    "wide,u,1,9,9,1,,10,,",
    "many,u,1,24,8,3,,10,,",
    "model,u,1,1,1,1,,10,H100,",
    "z,u,2,16,8,2,,10,,",
  ];
  const { scenario, notes } = scenarioOf("2x8", ...rows);
  expect(scenario.jobs.map(({ name }) => name)).toEqual(["a", "z"]);
  expect(notes).toEqual(["jobs that do not fit even on the empty nodes, left out: 3 of 5 (wide, many, model)"]);
  for (const figures of figuresOf("", "2x8", ...rows)) expect(figures).toMatchObject({ unstarted: 0, "max s": 8 });
});

test("jobs of which it is not known when or how long are left out by name", () => {
  const { scenario, notes } = scenarioOf("1x1", "a,u,,1,1,1,,10,,", "b,u,9,1,1,1,,,,", "c,u,5,1,1,1,,10,,");
  expect(scenario.jobs.map(({ name, submitMs }) => [name, submitMs])).toEqual([["c", 0]]);
  expect(notes).toEqual(["jobs without submit_s or duration_s, left out: 2 of 3 (a, b)"]);
});

test("parts of a GPU start on nodes that are all alike", () => {
  const [figures] = figuresOf("core: default", "1x1", "a,u,0,1,1,1,500,10,,", "b,u,0,1,1,1,500,10,,");
  expect(figures).toMatchObject({ "wait s": 0, "util %": 100, unstarted: 0 });
});

test("what the baselines do not look at, and what is rounded up, is told", () => {
  const { scenario, notes } = scenarioOf("1x2", "a,u,0,1,1,1,500,10,,", "b,u,0,2,2,1,500,10,,");
  expect(scenario.baselines).toEqual([]);
  expect(notes).toEqual([
    "jobs that ask for parts of several GPUs, and are given them whole: 1",
    "jobs ask for parts of a GPU or for models, at which the baselines do not look: the core alone is measured",
  ]);
});

test.each([
  ["axb", /--nodes axb is neither a file nor NxG/],
  ["-1x8", /--nodes -1x8 is neither a file nor NxG/],
  ["0x8", /--nodes 0x8: there must be a node with a GPU/],
  ["8x0", /--nodes 8x0: there must be a node with a GPU/],
  ["1000000x8", /--nodes 1000000x8: more than 1000000 GPUs/],
])("nodes that cannot be, such as %s, are refused in a sentence", (nodes, message) => {
  expect(() => scenarioOf(nodes, "a,u,0,1,1,1,,10,,")).toThrow(message);
});

test("a trace with nothing to replay is refused in a sentence", () => {
  expect(() => scenarioOf("1x1")).toThrow(/jobs\.csv has no job that can be replayed/);
  expect(() => scenarioOf("1x1", "a,u,0,2,2,1,,10,,")).toThrow(/has no job that can be replayed/);
});

test("every policy has the figures that are worked out by hand", () => {
  // One after another on one GPU: 0-10, 10-30 and 30-32, of which the last two came at 0 and 4.
  const all = figuresOf("", "1x1", "a,u,100,1,1,1,,10,,", "c,v,104,1,1,1,,2,,2", "b,u,100,1,1,1,,20,,20");
  expect(all.length).toBeGreaterThan(15);
  const inTurn = all.filter((figures) => figures["max s"] === 26);
  expect(inTurn.length).toBeGreaterThan(3);
  for (const figures of inTurn) {
    expect(figures).toMatchObject({
      "p50 s": 10,
      "p90 s": 26,
      "p99 s": 26,
      "util %": 100,
      "busy alloc %": 100,
      "free GPUs": 0,
      "frag %": 0,
      preempted: 0,
      "lost GPU h": 0,
      unstarted: 0,
    });
    expect(figures["wait s"]).toBeCloseTo((0 + 10 + 26) / 3);
    expect(figures["wait 1 s"]).toBeCloseTo((0 + 10 + 26) / 3);
    expect(figures["completion s"]).toBeCloseTo((10 + 30 + 28) / 3);
    // 10 s of 10 s; 30 s of 20 s; 28 s of 2 s, which count as 10.
    expect(figures["slowdown"]).toBeCloseTo((1 + 1.5 + 2.8) / 3);
    // From 4 to 30 both tenants have work for half of the GPU, and one of them has all of it.
    expect(figures["unfair %"]).toBeCloseTo((26 / 2 / 30) * 100);
  }
});

test("fragmentation is what a job of the trace could not use of what is free while one waits", () => {
  // 0 to 10: one of two GPUs is held, and the job of two waits. The free one is of use to one job of two.
  const [figures] = figuresOf("fifo", "1x2", "a,u,0,1,1,1,,10,,", "b,u,0,2,2,1,,10,,");
  expect(figures).toMatchObject({ "frag %": 50, "free GPUs": 1, "busy alloc %": 50, "util %": 75, "unfair %": 50 });
});

test("a single job has waited for nothing", () => {
  for (const figures of figuresOf("", "1x4", "a,u,7,4,4,1,,1,,")) {
    expect(figures).toMatchObject({
      "wait s": 0,
      "p99 s": 0,
      "completion s": 1,
      slowdown: 1,
      "util %": 100,
      "frag %": 0,
    });
  }
});
