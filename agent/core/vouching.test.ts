import { expect, test } from "vitest";
import { asJobId } from "../../base/ids.ts";
import type { Effect, Membership } from "./input.ts";
import { type AgentState, createAgentState } from "./state.ts";
import { step } from "./step.ts";
import { silentMs } from "./vouching.ts";

const LEASE_MS = 300_000;
const key = { jobId: asJobId("job-17"), attempt: 1, rank: 0 };
const running = { phase: "running", startedAtMs: 1, stopping: false } as const;
const timing = { hearingMs: 15_000, vouchMs: 15_000, stopMs: 30_000 };
/** When all must be gone that was vouched for from then. */
const GONE_MS = (15_000 + 30_000) * 0.9 - 5_000;
const HEARS_NOBODY = { silentMs: 60_000 };

function membership(size: number, version = 1): Membership {
  const members = Array.from({ length: size }, (_, n) => ({ name: `node-${n + 1}`, address: `10.0.0.${n + 1}:9100` }));
  return { version, members, ...timing };
}

/** The agent of node-1, answered at 0 for the last time. */
function agent(size = 5): AgentState {
  const memory = { clusterId: "c", highestTerm: 1, leaseMs: LEASE_MS, membership: membership(size) };
  const state = createAgentState(memory, 0, { nodeName: "node-1", bootId: "b" });
  const found = { key, deviceIds: [], graceMs: 0, requeueOnNodeLost: true, state: running };
  step(state, { kind: "recovered", atMs: 0, wallMs: 0, found: [found] });
  return state;
}

function answer(state: AgentState, peer: number, askedAtMs: number, over: { silentMs?: number; atMs?: number } = {}) {
  const { silentMs: silent, atMs = askedAtMs } = { ...HEARS_NOBODY, ...over };
  return step(state, { kind: "peer-answered", peer: `node-${peer}`, askedAtMs, silentMs: silent, atMs });
}

/** Whether it stops its job at that time, with a disk that answers at once. */
function stopsAt(state: AgentState, atMs: number): boolean {
  const after = (effect: Effect): readonly Effect[] =>
    effect.kind === "persist" ? step(state, { kind: "persisted", atMs, memory: effect.memory }) : [effect];
  return step(state, { kind: "tick", atMs })
    .flatMap(after)
    .some(({ kind }) => kind === "stop");
}

const LEASE_GONE_MS = LEASE_MS * 0.9 - 5_000;

test("an agent lives beyond its lease with the word of a majority, itself included, for as long as that counts", () => {
  const state = agent();
  answer(state, 2, 250_000);
  answer(state, 3, 251_000);
  expect(stopsAt(state, LEASE_GONE_MS)).toBe(false);
  expect(stopsAt(state, 250_000 + GONE_MS - 1)).toBe(false);
  answer(state, 2, 280_000);
  answer(state, 4, 281_000);
  expect(stopsAt(state, 280_000 + GONE_MS - 1)).toBe(false);
  expect(stopsAt(state, 280_000 + GONE_MS)).toBe(true);
});

test("less than a majority is nothing, and half is less", () => {
  const five = agent(5);
  answer(five, 2, 260_000);
  expect(stopsAt(five, LEASE_GONE_MS)).toBe(true);
  const four = agent(4);
  answer(four, 2, 260_000);
  expect(stopsAt(four, LEASE_GONE_MS)).toBe(true);
});

test("a peer that hears a leader, or has not been silent for long enough, vouches for nothing", () => {
  const state = agent(3);
  answer(state, 2, 260_000, { silentMs: 16_499 });
  expect(stopsAt(state, LEASE_GONE_MS)).toBe(true);
  const other = agent(3);
  answer(other, 2, 250_000);
  answer(other, 2, 251_000, { silentMs: 0 });
  expect(other.vouches.size).toBe(0);
});

test("a word counts from the sending of the question, and not when it is too old by the time it comes", () => {
  const state = agent(3);
  answer(state, 2, 250_000, { atMs: 266_000 });
  expect(stopsAt(state, LEASE_GONE_MS)).toBe(true);
});

test("whoever is no member of the agent's own membership does not count", () => {
  const state = agent(3);
  answer(state, 7, 260_000);
  answer(state, 8, 260_000);
  expect(stopsAt(state, LEASE_GONE_MS)).toBe(true);
});

test("what went on for too long without the word of a majority is not saved by one that comes later", () => {
  const state = agent(3);
  answer(state, 2, LEASE_GONE_MS + 1);
  expect(stopsAt(state, LEASE_GONE_MS + 1)).toBe(true);
});

test("a leader that is heard ends all that was said before", () => {
  const state = agent(3);
  answer(state, 2, 250_000);
  step(state, { kind: "heartbeat-sent", sequence: 1, atMs: 251_000 });
  step(state, { kind: "heartbeat-acked", sequence: 1, atMs: 252_000 });
  expect(state.vouches.size).toBe(0);
  expect(silentMs(state, 253_000)).toBe(1_000);
});

test("an agent that has just started says that it heard a leader then", () => {
  expect(silentMs(createAgentState(agent().memory, 50_000), 50_000)).toBe(0);
});

test("a membership is kept if it is newer, and a restarted agent still lives by the word that it had", () => {
  const state = agent(3);
  expect(step(state, { kind: "membership", atMs: 1, membership: membership(5, 2) })).toMatchObject([
    { kind: "persist", memory: { membership: { version: 2, members: { length: 5 } } } },
  ]);
  expect(step(state, { kind: "membership", atMs: 2, membership: membership(3, 1) })).toEqual([]);
  answer(state, 2, 260_000);
  expect(answer(state, 3, 260_000)).toMatchObject([{ kind: "persist" }]);
  const again = createAgentState(state.memory, 270_000, { nodeName: "node-1", bootId: "b" });
  const found = { key, deviceIds: [], graceMs: 0, requeueOnNodeLost: true, state: running };
  step(again, { kind: "recovered", atMs: 270_000, wallMs: 0, found: [found] });
  expect(stopsAt(again, 260_000 + GONE_MS - 1)).toBe(false);
  expect(stopsAt(again, 260_000 + GONE_MS)).toBe(true);
});

test("with nobody in the membership there is the lease alone", () => {
  const state = agent(3);
  step(state, { kind: "membership", atMs: 1, membership: membership(0, 2) });
  answer(state, 2, 260_000);
  expect(stopsAt(state, LEASE_GONE_MS)).toBe(true);
});
