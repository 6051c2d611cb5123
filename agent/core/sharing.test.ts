import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import type { FoundAllocation, LaunchSpec } from "../executor/executor.ts";
import type { Effect } from "./input.ts";
import { type AgentState, createAgentState } from "./state.ts";
import { step } from "./step.ts";

function launch(state: AgentState, job: string, gpuMilli: number | undefined): readonly Effect[] {
  const spec: LaunchSpec = {
    key: { jobId: asJobId(job), attempt: 1, rank: 0 },
    tenantId: "tenant-1",
    jobName: "j",
    deviceIds: [asDeviceId("gpu-1")],
    gpuMilli,
    cpuCores: 1,
    memoryMb: 1_024,
    image: undefined,
    command: [],
    args: [],
    script: undefined,
    environment: {},
    labels: {},
    graceMs: 30_000,
    requeueOnNodeLost: true,
  };
  return step(state, { kind: "command", atMs: 1, term: 3, command: { kind: "launch", spec } });
}

function starts(effects: readonly Effect[]): boolean {
  return effects.some(({ kind }) => kind === "launch");
}

const fresh = () => createAgentState({ clusterId: "c", highestTerm: 3, leaseMs: 0 }, 0);

test("a device is shared as long as all have no more than the whole of it", () => {
  const state = fresh();
  expect(starts(launch(state, "job-1", 600))).toBe(true);
  expect(starts(launch(state, "job-2", 400))).toBe(true);
  const refused = launch(state, "job-3", 1);
  expect(starts(refused)).toBe(false);
  expect(JSON.stringify(refused)).toContain("device gpu-1 is still held by attempt 1 of job-");
});

test("a whole device is not shared, whichever came first", () => {
  const whole = fresh();
  expect(starts(launch(whole, "job-1", undefined))).toBe(true);
  expect(starts(launch(whole, "job-2", 1))).toBe(false);
  const shared = fresh();
  expect(starts(launch(shared, "job-1", 1))).toBe(true);
  expect(starts(launch(shared, "job-2", undefined))).toBe(false);
});

test("shares that were found after a restart count", () => {
  const state = fresh();
  const found: FoundAllocation = {
    key: { jobId: asJobId("job-1"), attempt: 1, rank: 0 },
    deviceIds: [asDeviceId("gpu-1")],
    gpuMilli: 700,
    graceMs: 0,
    requeueOnNodeLost: true,
    state: { phase: "running", startedAtMs: 1, stopping: false },
  };
  step(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found] });
  expect(starts(launch(state, "job-2", 400))).toBe(false);
  expect(starts(launch(state, "job-3", 300))).toBe(true);
});
