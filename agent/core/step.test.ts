import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import type { AllocationState, FoundAllocation, LaunchSpec } from "../executor/executor.ts";
import type { Command, Effect, Input, Memory, Report } from "./input.ts";
import { helloNumber } from "./memory.ts";
import { type AgentState, allReports, createAgentState } from "./state.ts";
import { step } from "./step.ts";

const key = (attempt = 1, rank = 0, job = "job-17") => ({ jobId: asJobId(job), attempt, rank });
const remembered: Memory = { clusterId: "c", highestTerm: 3, leaseMs: 0 };
const fresh = (memory = remembered): AgentState => createAgentState(memory, 0);

function spec(over: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    key: key(),
    tenantId: "tenant-1",
    jobName: "j",
    deviceIds: [asDeviceId("gpu-1")],
    cpuCores: 1,
    memoryMb: 1024,
    image: undefined,
    command: [],
    args: [],
    script: undefined,
    environment: {},
    labels: {},
    graceMs: 30_000,
    requeueOnNodeLost: true,
    ...over,
  };
}

const launch = (over: Partial<LaunchSpec> = {}): Command => ({ kind: "launch", spec: spec(over) });
const stop = (of = key()): Command => ({ kind: "stop", key: of, graceMs: 5_000, reason: "cancelled" });
const release = (of = key()): Command => ({ kind: "release", key: of });
const command = (of: Command, term = 3): Input => ({ kind: "command", atMs: 1, term, command: of });
const changed = (state: AllocationState, of = key()): Input => ({
  kind: "allocation-changed",
  atMs: 1,
  key: of,
  state,
});
const running = { phase: "running", startedAtMs: 1_000, stopping: false } as const;
const exited = {
  phase: "ended",
  startedAtMs: 1_000,
  endedAtMs: 2_000,
  end: { kind: "exited", exitCode: 0, signal: undefined, outOfMemory: false, message: "" },
} as const;
const found = (over: Partial<FoundAllocation> = {}): FoundAllocation => ({
  key: key(),
  deviceIds: [asDeviceId("gpu-1")],
  graceMs: 30_000,
  requeueOnNodeLost: true,
  state: running,
  ...over,
});

function feed(state: AgentState, ...inputs: Input[]): readonly Effect[] {
  return inputs.flatMap((input) => step(state, input));
}
const kinds = (effects: readonly Effect[]): string[] => effects.map((effect) => effect.kind);
function reportIn(effects: readonly Effect[]): Report {
  const reports = effects.filter((effect) => effect.kind === "report");
  expect(reports).toHaveLength(1);
  return reports[0]?.report ?? expect.unreachable();
}

test("a launch starts the allocation and reports it as starting", () => {
  const state = fresh();
  const effects = feed(state, command(launch()));
  expect(kinds(effects)).toEqual(["report", "launch"]);
  expect(reportIn(effects)).toMatchObject({ key: key(), deviceIds: ["gpu-1"], state: { phase: "starting" } });
});

test("a repeated launch reports the state again and starts nothing, in every phase", () => {
  const state = fresh();
  feed(state, command(launch()));
  for (const phase of [undefined, running, exited]) {
    if (phase) feed(state, changed(phase));
    const effects = feed(state, command(launch()));
    expect(kinds(effects)).toEqual(["report"]);
    expect(reportIn(effects).state.phase).toBe(phase?.phase ?? "starting");
  }
});

test("a launch of a lower attempt of a known job is refused, of a higher one obeyed", () => {
  const state = fresh();
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found({ key: key(2) })] });
  expect(kinds(feed(state, command(launch({ key: key(1), deviceIds: [] }))))).toEqual(["refuse-command"]);
  expect(kinds(feed(state, command(launch({ key: key(1, 1), deviceIds: [] }))))).toEqual(["refuse-command"]);
  expect(kinds(feed(state, command(launch({ key: key(3), deviceIds: [] }))))).toEqual(["report", "launch"]);
  expect(kinds(feed(state, command(launch({ key: key(1, 0, "job-18"), deviceIds: [] }))))).toContain("launch");
});

test("a device that a running allocation holds is given to no other, until that has ended", () => {
  const state = fresh();
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found()] });
  const refused = feed(state, command(launch({ key: key(1, 0, "job-18") })));
  expect(kinds(refused)).toEqual(["report"]);
  expect(reportIn(refused).state).toMatchObject({ phase: "ended", end: { kind: "node" } });
  expect(reportIn(refused).state).toHaveProperty("end.message", "device gpu-1 is still held by attempt 1 of job-17");
  feed(state, changed(exited));
  expect(kinds(feed(state, command(launch({ key: key(1, 0, "job-19") }))))).toEqual(["report", "launch"]);
});

test("a command of a lower term is refused, whatever it asks", () => {
  for (const of of [launch(), stop(), release()]) {
    const effects = feed(fresh(), command(of, 2));
    expect(kinds(effects)).toEqual(["refuse-command"]);
  }
});

test("a command of a higher term is obeyed only once that term is on disk, and in order", () => {
  const state = fresh();
  const before = feed(state, command(launch(), 5), command(stop(), 5));
  expect(before).toMatchObject([{ kind: "persist", memory: { ...remembered, highestTerm: 5 } }]);
  const after = feed(state, { kind: "persisted", atMs: 2, memory: { ...remembered, highestTerm: 5 } });
  expect(kinds(after)).toEqual(["report", "launch", "stop", "report"]);
});

test("a command that waits for its term is refused when a higher term comes before it is on disk", () => {
  const state = fresh();
  feed(state, command(launch(), 5), command(stop(key(1, 0, "job-9")), 6));
  const first = feed(state, { kind: "persisted", atMs: 2, memory: { ...remembered, highestTerm: 5 } });
  expect(first).toMatchObject([{ kind: "refuse-command", term: 5 }]);
  const second = feed(state, { kind: "persisted", atMs: 3, memory: { ...remembered, highestTerm: 6 } });
  expect(kinds(second)).toEqual(["report"]);
});

test("while a term waits for the disk, changes are still reported", () => {
  const state = fresh();
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found()] }, command(stop(), 5));
  expect(reportIn(feed(state, changed(exited))).state.phase).toBe("ended");
});

test("a Welcome with news is persisted, one without is not", () => {
  const state = fresh();
  const welcome = { clusterId: "c", term: 4, leaseMs: 300_000 };
  const connected: Input = { kind: "connected", atMs: 10, helloSentAtMs: 5, welcome };
  expect(feed(state, connected)).toMatchObject([
    { kind: "persist", memory: { clusterId: "c", highestTerm: 4, leaseMs: 300_000 } },
  ]);
  expect(feed(state, connected)).toEqual([]);
});

test("the first Welcome decides the cluster; a leader of another cluster or of an old term is refused", () => {
  const state = fresh({ clusterId: "", highestTerm: 0, leaseMs: 0 });
  const connected = (clusterId: string, term: number): Input => ({
    kind: "connected",
    atMs: 10,
    helloSentAtMs: 5,
    welcome: { clusterId, term, leaseMs: 60_000 },
  });
  expect(kinds(feed(state, connected("a", 2)))).toEqual(["persist"]);
  expect(kinds(feed(state, connected("b", 9)))).toEqual(["refuse-leader"]);
  expect(kinds(feed(state, connected("a", 1)))).toEqual(["refuse-leader"]);
  expect(state.memory).toMatchObject({ clusterId: "a", highestTerm: 2, leaseMs: 60_000 });
});

test("a stop is passed on each time, and shows as stopping until the end", () => {
  const state = fresh();
  feed(state, command(launch()));
  for (let time = 0; time < 2; time += 1) {
    const effects = feed(state, command(stop()));
    expect(effects[0]).toEqual({ kind: "stop", key: key(), graceMs: 5_000, reason: "cancelled" });
    expect(reportIn(effects)).toMatchObject({ stopping: true, state: { phase: "starting" } });
  }
  expect(reportIn(feed(state, changed(running)))).toMatchObject({ stopping: true });
  expect(reportIn(feed(state, changed(exited)))).toMatchObject({ stopping: false });
});

test("a stop of an ended allocation reports its end again, of an unknown one that it is not known", () => {
  const state = fresh();
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found({ state: exited })] });
  expect(feed(state, command(stop()))).toMatchObject([{ kind: "report", report: { state: exited } }]);
  const unknown = feed(state, command(stop(key(7))));
  expect(reportIn(unknown)).toMatchObject({
    key: key(7),
    state: { phase: "ended", end: { kind: "node", message: "this node does not know it" } },
  });
  expect(allReports(state)).toHaveLength(1);
});

test("an ended allocation is told in every Hello until its release is carried out", () => {
  const state = fresh();
  feed(state, command(launch()), changed(exited));
  expect(allReports(state)).toMatchObject([{ state: exited }]);
  expect(feed(state, command(release()))).toEqual([{ kind: "release", key: key() }]);
  expect(allReports(state)).toHaveLength(1);
  feed(state, { kind: "released", atMs: 2, key: key(), done: true });
  expect(allReports(state)).toEqual([]);
});

test("an allocation that has not ended is not released", () => {
  const state = fresh();
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found()] });
  expect(kinds(feed(state, command(release())))).toEqual(["refuse-command", "report"]);
  expect(allReports(state)).toHaveLength(1);
});

test("a release of an unknown allocation is passed on, and a repeated one waits for the first", () => {
  const state = fresh();
  expect(kinds(feed(state, command(release())))).toEqual(["release"]);
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found({ state: exited })] });
  expect(kinds(feed(state, command(release()), command(release())))).toEqual(["release"]);
});

test("a release that failed is tried again after a while, or when a leader repeats it", () => {
  const state = fresh();
  feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found({ state: exited })] }, command(release()));
  const failed: Input = { kind: "released", atMs: 1_000, key: key(), done: false };
  feed(state, failed);
  expect(feed(state, { kind: "tick", atMs: 30_999 })).toEqual([]);
  expect(kinds(feed(state, { kind: "tick", atMs: 31_000 }, { kind: "tick", atMs: 32_000 }))).toEqual(["release"]);
  feed(state, failed);
  expect(kinds(feed(state, command(release())))).toEqual(["release"]);
});

test("an end is final: neither a later end nor an earlier phase changes it", () => {
  const state = fresh();
  feed(state, command(launch()), changed(exited));
  expect(feed(state, changed(running), changed({ ...exited, endedAtMs: 9_999 }))).toEqual([]);
  expect(allReports(state)).toMatchObject([{ state: exited }]);
});

test("a running allocation does not go back to starting", () => {
  const state = fresh();
  feed(state, command(launch()), changed(running));
  expect(feed(state, changed({ phase: "starting", message: "late" }))).toEqual([]);
});

test("a change of an allocation that is not known is ignored", () => {
  expect(feed(fresh(), changed(running))).toEqual([]);
});

test("what was found is adopted as it is: nothing is stopped, launched or lost", () => {
  const state = fresh();
  const several = [found(), found({ key: key(1, 1), state: exited }), found({ key: key(4, 0, "job-20") })];
  expect(feed(state, { kind: "recovered", atMs: 0, wallMs: 0, found: several })).toEqual([]);
  expect(allReports(state).map((report) => report.state)).toEqual([running, exited, running]);
  expect(feed(state, { kind: "disconnected", atMs: 9 }, { kind: "tick", atMs: 1e12 })).toEqual([]);
});

test("Hellos of a later life have higher numbers, and one that was refused as late is followed by one above", () => {
  const state = fresh();
  const [first] = feed(state, { kind: "begun", atMs: 0 });
  expect(first).toMatchObject({ kind: "persist", memory: { life: 1 } });
  const again = fresh(state.memory);
  feed(again, { kind: "begun", atMs: 0 });
  expect(again.memory.life).toBe(2);
  expect(helloNumber(2, 1)).toBeGreaterThan(helloNumber(1, 1_000_000));
  expect(feed(again, { kind: "hello-refused", atMs: 1, highestHello: helloNumber(7, 3) })).toMatchObject([
    { kind: "persist", memory: { life: 8 } },
  ]);
  expect(feed(again, { kind: "hello-refused", atMs: 1, highestHello: helloNumber(7, 3) })).toEqual([]);
});

test("commands that wait for the disk are dropped with their stream: the next Hello does not tell of them", () => {
  const state = fresh();
  feed(state, command(launch(), 5), { kind: "disconnected", atMs: 2 });
  expect(feed(state, { kind: "persisted", atMs: 3, memory: state.memory })).toEqual([]);
  expect(allReports(state)).toEqual([]);
});
