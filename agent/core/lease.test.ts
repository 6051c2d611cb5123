import { expect, test } from "vitest";
import { allocationName, asJobId } from "../../base/ids.ts";
import type { FoundAllocation } from "../executor/executor.ts";
import type { Effect, Input } from "./input.ts";
import { fenceAtMs } from "./lease.ts";
import { type AgentState, allReports, createAgentState } from "./state.ts";
import { step } from "./step.ts";

const LEASE_MS = 300_000;
const GRACE_MS = 30_000;
/** 10 % for the clocks and 5 s for the kill, besides the grace. */
const FENCE_MS = LEASE_MS - GRACE_MS - 30_000 - 5_000;
const key = { jobId: asJobId("job-17"), attempt: 1, rank: 0 };
const running = { phase: "running", startedAtMs: 1, stopping: false } as const;

function agent(over: Partial<FoundAllocation> = {}, leaseMs = LEASE_MS): AgentState {
  const state = createAgentState({ clusterId: "c", highestTerm: 1, leaseMs }, 0);
  const found = { key, deviceIds: [], graceMs: GRACE_MS, requeueOnNodeLost: true, state: running, ...over };
  step(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found] });
  return state;
}
/** A tick, and the disk at once. */
const tick = (state: AgentState, atMs: number): readonly Effect[] =>
  step(state, { kind: "tick", atMs }).flatMap((effect) =>
    effect.kind === "persist" ? step(state, { kind: "persisted", atMs, memory: effect.memory }) : [effect],
  );
const beat = (sequence: number, atMs: number): Input => ({ kind: "heartbeat-sent", sequence, atMs });
const ack = (sequence: number, atMs: number): Input => ({ kind: "heartbeat-acked", sequence, atMs });

test("an agent that knows of no beginning of its lease counts it from its own start", () => {
  const state = agent();
  expect(tick(state, FENCE_MS - 1)).toEqual([]);
  expect(tick(state, FENCE_MS)).toMatchObject([
    { kind: "stop", key, graceMs: GRACE_MS },
    { kind: "report", report: { stopping: true } },
  ]);
});

test("the lease counts from the sending of the heartbeat that was acknowledged, not from the acknowledgement", () => {
  const state = agent();
  step(state, beat(1, 10_000));
  step(state, ack(1, 90_000));
  expect(tick(state, 10_000 + FENCE_MS - 1)).toEqual([]);
  expect(tick(state, 10_000 + FENCE_MS)).toHaveLength(2);
});

test("a heartbeat without acknowledgement prolongs nothing", () => {
  const state = agent();
  step(state, beat(1, 100_000));
  expect(tick(state, FENCE_MS)).toHaveLength(2);
});

test("an acknowledgement that was never asked for, comes late, or belongs to a stream before prolongs nothing", () => {
  const state = agent();
  step(state, ack(9, 100_000));
  step(state, beat(1, 50_000));
  step(state, beat(2, 60_000));
  step(state, ack(2, 61_000));
  step(state, ack(1, 62_000));
  expect(state.leaseFromMs).toBe(60_000);
  step(state, beat(3, 70_000));
  step(state, { kind: "disconnected", atMs: 71_000 });
  step(state, ack(3, 72_000));
  expect(state.leaseFromMs).toBe(60_000);
});

test("a Welcome prolongs the lease from the sending of its Hello, and may change its length", () => {
  const state = agent();
  const welcome = { clusterId: "c", term: 1, leaseMs: 100_000 };
  step(state, { kind: "connected", atMs: 50_000, helloSentAtMs: 40_000, welcome });
  expect(fenceAtMs(state, GRACE_MS)).toBe(40_000 + 100_000 - 10_000 - 5_000 - GRACE_MS);
});

test("a refused leader prolongs nothing", () => {
  const state = agent();
  const welcome = { clusterId: "other", term: 1, leaseMs: LEASE_MS };
  step(state, { kind: "connected", atMs: 50_000, helloSentAtMs: 40_000, welcome });
  expect(state.leaseFromMs).toBe(0);
});

test("without a lease nothing is ever stopped", () => {
  expect(tick(agent({}, 0), 1e12)).toEqual([]);
});

test("an allocation that waits for its node goes on without a lease", () => {
  expect(tick(agent({ requeueOnNodeLost: false }), 1e12)).toEqual([]);
});

test("an allocation is fenced once, and its end is told as fenced whatever its exit code", () => {
  const state = agent();
  expect(tick(state, FENCE_MS)).toHaveLength(2);
  expect(tick(state, FENCE_MS + 1_000)).toEqual([]);
  const end = { kind: "exited", exitCode: 0, signal: undefined, outOfMemory: false, message: "" } as const;
  const ended = { phase: "ended", startedAtMs: 1, endedAtMs: 2, end } as const;
  expect(step(state, { kind: "allocation-changed", atMs: 1, key, state: ended })).toMatchObject([
    { kind: "report", report: { state: { phase: "ended", end: { kind: "fenced" } } } },
  ]);
});

test("a restarted agent still knows what it fenced, stops it, tells its end as fenced, and forgets it with its release", () => {
  const before = agent();
  tick(before, FENCE_MS);
  const end = { kind: "exited", exitCode: 143, signal: undefined, outOfMemory: false, message: "" } as const;
  const ended = { phase: "ended", startedAtMs: 1, endedAtMs: 2, end } as const;
  const facts = { key, deviceIds: [], graceMs: GRACE_MS, requeueOnNodeLost: true };

  const still = createAgentState(before.durable, 0);
  expect(step(still, { kind: "recovered", atMs: 0, wallMs: 0, found: [{ ...facts, state: running }] })).toMatchObject([
    { kind: "stop", key },
    { kind: "report", report: { stopping: true } },
  ]);

  const over = createAgentState(before.durable, 0);
  expect(step(over, { kind: "recovered", atMs: 0, wallMs: 0, found: [{ ...facts, state: ended }] })).toEqual([]);
  expect(allReports(over)).toMatchObject([{ state: { phase: "ended", end: { kind: "fenced" } } }]);
  step(over, { kind: "command", atMs: 1, term: 1, command: { kind: "release", key } });
  expect(step(over, { kind: "released", atMs: 2, key, done: true })).toMatchObject([{ kind: "persist" }]);
  expect(over.memory.fenced).toBeUndefined();
});

test("one killed when its lease was over was fenced, though nothing is remembered of it; one killed before, or that ended otherwise, was not", () => {
  const { durable } = agent();
  const memory = { ...durable, leaseFrom: { bootId: "", atMs: 0 } };
  const wallMs = 1_000_000;
  const endOf = (exitCode: number, endedAtMs: number, over: object = {}, requeueOnNodeLost = true) => {
    const state = createAgentState(memory, LEASE_MS);
    const end = { kind: "exited", exitCode, signal: undefined, outOfMemory: false, message: "", ...over } as const;
    const ended = { phase: "ended", startedAtMs: 1, endedAtMs: wallMs + endedAtMs - LEASE_MS, end } as const;
    const found = { key, deviceIds: [], graceMs: GRACE_MS, requeueOnNodeLost, state: ended };
    step(state, { kind: "recovered", atMs: LEASE_MS, wallMs, found: [found] });
    return allReports(state).map((report) => report.state.phase === "ended" && report.state.end.kind)[0];
  };
  expect([endOf(137, FENCE_MS), endOf(143, FENCE_MS)]).toEqual(["fenced", "fenced"]);
  expect(endOf(137, FENCE_MS - 1)).toBe("exited");
  // What waits for its node is never fenced.
  expect([endOf(137, FENCE_MS, {}, false), endOf(137, -1, {}, false)]).toEqual(["exited", "exited"]);
  // Before the host was booted.
  expect([endOf(137, -1), endOf(1, -1)]).toEqual(["fenced", "exited"]);
  expect([endOf(0, FENCE_MS), endOf(1, FENCE_MS), endOf(137, FENCE_MS, { outOfMemory: true })]).toEqual(
    Array(3).fill("exited"),
  );
});

test("one that was killed while its agent stood still beyond the lease was fenced", () => {
  const end = { kind: "exited", exitCode: 137, signal: 9, outOfMemory: false, message: "" } as const;
  const ended = { phase: "ended", startedAtMs: 1, endedAtMs: 2, end } as const;
  const told = (atMs: number) => step(agent(), { kind: "allocation-changed", atMs, key, state: ended });
  expect(told(FENCE_MS - 1)).toMatchObject([{ report: { state: { end: { kind: "exited" } } } }]);
  expect(told(FENCE_MS)).toMatchObject([{ report: { state: { end: { kind: "fenced" } } } }]);
});

test("a fence is on disk before anything is stopped, but a disk that does not answer is not waited for", () => {
  const state = agent();
  const tickAlone = (atMs: number) => step(state, { kind: "tick", atMs });
  expect(tickAlone(FENCE_MS)).toMatchObject([{ kind: "persist", memory: { fenced: [allocationName(key)] } }]);
  expect(tickAlone(FENCE_MS + 1_000)).toEqual([]);
  expect(tickAlone(FENCE_MS + 2_000)).toMatchObject([{ kind: "stop", key }, { kind: "report" }]);
  expect(tickAlone(FENCE_MS + 3_000)).toEqual([]);
});

test("a fence that is not told yet is taken back when a leader answers", () => {
  const state = agent();
  step(state, beat(1, FENCE_MS - 1));
  const [persist] = step(state, { kind: "tick", atMs: FENCE_MS });
  step(state, ack(1, FENCE_MS + 1));
  const memory = persist?.kind === "persist" ? persist.memory : state.memory;
  expect(step(state, { kind: "persisted", atMs: FENCE_MS + 2, memory })).toMatchObject([{ kind: "persist" }]);
  expect(state.memory.fenced).toBeUndefined();
});

test("what ended before the lease ran out keeps its own end", () => {
  const state = agent();
  const end = { kind: "exited", exitCode: 3, signal: undefined, outOfMemory: false, message: "" } as const;
  step(state, {
    kind: "allocation-changed",
    atMs: 1,
    key,
    state: { phase: "ended", startedAtMs: 1, endedAtMs: 2, end },
  });
  expect(tick(state, 1e12)).toEqual([]);
});

test("a grace that does not fit is cut, so that all is gone before the lease ends", () => {
  const state = agent({ graceMs: 3_600_000 });
  expect(fenceAtMs(state, 3_600_000)).toBe(LEASE_MS / 2);
  expect(tick(state, LEASE_MS / 2 - 1)).toEqual([]);
  expect(tick(state, LEASE_MS / 2)).toMatchObject([{ kind: "stop", graceMs: 270_000 - 5_000 - 150_000 }, {}]);
});

test("an agent that looks late gives only the grace that is left, and none when the lease is over", () => {
  expect(tick(agent(), 260_000)).toMatchObject([{ kind: "stop", graceMs: 5_000 }, {}]);
  expect(tick(agent(), 400_000)).toMatchObject([{ kind: "stop", graceMs: 0 }, {}]);
});

test("with a lease shorter than its margins nothing is stopped in its first half", () => {
  const state = agent({}, 3_000);
  expect(tick(state, 1_499)).toEqual([]);
  expect(tick(state, 1_500)).toMatchObject([{ kind: "stop", graceMs: 0 }, {}]);
});

test("heartbeats that nobody acknowledges are forgotten in the end", () => {
  const state = agent();
  for (let sequence = 1; sequence <= 1_000; sequence += 1) step(state, beat(sequence, sequence));
  expect(state.heartbeats.size).toBe(64);
  step(state, ack(1_000, 2_000));
  expect(state.leaseFromMs).toBe(1_000);
  expect(state.heartbeats.size).toBe(0);
});

/** As the disk remembers an agent that was answered at the time. */
function answeredAt(atMs: number): AgentState {
  const state = agent();
  step(state, beat(1, atMs));
  step(state, ack(1, atMs));
  return state;
}

function restarted({ memory }: AgentState, atMs: number, bootId = "", over: Partial<FoundAllocation> = {}): AgentState {
  const state = createAgentState(memory, atMs, { nodeName: "a", bootId });
  const found = { key, deviceIds: [], graceMs: GRACE_MS, requeueOnNodeLost: true, state: running, ...over };
  step(state, { kind: "recovered", atMs, wallMs: 0, found: [found] });
  return state;
}

test("a lease goes on over a restart of the agent", () => {
  const state = restarted(answeredAt(100_000), 200_000);
  expect(tick(state, 100_000 + FENCE_MS - 1)).toEqual([]);
  expect(tick(state, 100_000 + FENCE_MS)).toMatchObject([{ kind: "stop", key }, {}]);
});

test("the beginning of the lease is written in steps of an eighth of it", () => {
  const state = answeredAt(100_000);
  const persists: unknown[] = [];
  for (let sequence = 2; sequence < 32; sequence += 1) {
    step(state, beat(sequence, 100_000 + sequence * 5_000));
    persists.push(...step(state, ack(sequence, 100_000 + sequence * 5_000)));
  }
  expect(persists).toHaveLength(3);
  expect(state.leaseFromMs - (state.memory.leaseFrom?.atMs ?? 0)).toBeLessThan(LEASE_MS / 8);
});

test("after a boot, and with a beginning that is yet to come, the lease is not the remembered one", () => {
  expect(restarted(answeredAt(100_000), 200_000, "another boot").leaseFromMs).toBe(200_000);
  // A clock that went back: nobody knows how long it has been.
  expect(restarted(answeredAt(100_000), 50_000).leaseFromMs).toBe(50_000 - LEASE_MS);
});

test("an agent that was away waits a moment for an answer before it fences, but not beyond its lease", () => {
  const late = restarted(answeredAt(100_000), 100_000 + FENCE_MS + 15_000);
  expect(tick(late, 100_000 + FENCE_MS + 24_999)).toEqual([]);
  expect(tick(late, 100_000 + FENCE_MS + 25_000)).toMatchObject([{ kind: "stop", graceMs: GRACE_MS - 25_000 }, {}]);
  const tooLate = restarted(answeredAt(100_000), 100_000 + LEASE_MS);
  expect(tick(tooLate, 100_000 + LEASE_MS)).toMatchObject([{ kind: "stop", graceMs: 0 }, {}]);
});
