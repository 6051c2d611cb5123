import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import type { AllocationState, FoundAllocation } from "../executor/executor.ts";
import type { Effect, Input, Memory } from "./input.ts";
import { createAgentState } from "./state.ts";
import { step } from "./step.ts";

const KEY = { jobId: asJobId("job-1"), attempt: 1, rank: 0 };
const WHY = "job-1 (attempt 1), which had it and does not see it any more";
const RUNNING: AllocationState = { phase: "running", startedAtMs: 1, stopping: false };
const GIVEN_UP = { kind: "node", message: WHY };

function exited(exitCode: number): AllocationState {
  const end = { kind: "exited", exitCode, signal: undefined, outOfMemory: false, message: "" } as const;
  return { phase: "ended", startedAtMs: 1, endedAtMs: 2, end };
}

function found(state: AllocationState): FoundAllocation {
  return { key: KEY, deviceIds: [asDeviceId("gpu-1")], graceMs: 700, requeueOnNodeLost: false, state };
}

/** An agent with one allocation, which writes nothing to its disk unless it is told to. */
function agent(memory: Memory = { clusterId: "c", highestTerm: 1, leaseMs: 0 }, state: AllocationState = RUNNING) {
  const core = createAgentState(memory, 0);
  let atMs = 0;
  let unsaved = memory;
  const take = (
    input: Input extends infer I ? (I extends Input ? Omit<I, "atMs"> : never) : never,
  ): readonly Effect[] => {
    const effects = step(core, { ...input, atMs });
    for (const effect of effects) if (effect.kind === "persist") unsaved = effect.memory;
    return effects;
  };
  take({ kind: "recovered", wallMs: 0, found: [found(state)] });
  return {
    take,
    save: () => take({ kind: "persisted", memory: unsaved }),
    later: (ms: number) => {
      atMs += ms;
      return take({ kind: "tick" });
    },
    giveUp: () => take({ kind: "give-up", key: KEY, why: WHY }),
    become: (next: AllocationState) => take({ kind: "allocation-changed", key: KEY, state: next }),
    memory: () => unsaved,
  };
}

const stopsOf = (effects: readonly Effect[]) => effects.filter(({ kind }) => kind === "stop");
const endsOf = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => {
    return effect.kind === "report" && effect.report.state.phase === "ended" ? [effect.report.state.end] : [];
  });

test("what is given up is stopped with its grace once that is on disk, and ends as the node's doing", () => {
  const { giveUp, save, become } = agent();
  expect(stopsOf(giveUp())).toEqual([]);
  expect(stopsOf(save())).toEqual([{ kind: "stop", key: KEY, graceMs: 700, reason: WHY }]);
  expect(stopsOf(giveUp())).toEqual([]);
  expect(endsOf(become(exited(0)))).toEqual([GIVEN_UP]);
});

test("a disk that does not answer is waited for only a while", () => {
  const { giveUp, later } = agent();
  giveUp();
  expect(stopsOf(later(1_999))).toEqual([]);
  expect(stopsOf(later(1))).toHaveLength(1);
  expect(stopsOf(later(5_000))).toEqual([]);
});

test("one that ends well by itself before it was stopped has its own end; one that fails has lost its device", () => {
  for (const [exitCode, end] of [
    [0, { kind: "exited" }],
    [1, GIVEN_UP],
  ] as const) {
    const { giveUp, become } = agent();
    giveUp();
    expect(endsOf(become(exited(exitCode)))).toMatchObject([end]);
  }
});

test("one that begins, is being stopped or has ended is not given up", () => {
  for (const state of [{ phase: "starting", message: "" }, { ...RUNNING, stopping: true }, exited(0)] as const) {
    const { giveUp, save } = agent(undefined, state);
    giveUp();
    expect(stopsOf(save())).toEqual([]);
  }
});

test("the next agent knows it: it stops it again, and tells its end as the node's until it is released", () => {
  const first = agent();
  first.giveUp();
  const next = agent(first.memory());
  expect(stopsOf(next.save())).toHaveLength(1);
  expect(endsOf(next.become(exited(137)))).toEqual([GIVEN_UP]);
  next.take({ kind: "command", term: 1, command: { kind: "release", key: KEY } });
  expect(next.memory().givenUp).toEqual({ "job-1-1-0": WHY });
  next.take({ kind: "released", key: KEY, done: true });
  expect(next.memory().givenUp).toBeUndefined();
});

test("what came up unknown is reported once, and stopped on the leader's word like any other", () => {
  const { take } = agent();
  const late = { ...found(RUNNING), key: { ...KEY, jobId: asJobId("job-2") } };
  const discover = () => take({ kind: "discovered", wallMs: 0, found: [found(RUNNING), late] });
  expect(discover()).toMatchObject([{ kind: "report", report: { key: late.key, state: { phase: "running" } } }]);
  expect(discover()).toEqual([]);
  const stop = { kind: "stop", key: late.key, graceMs: 0, reason: "not wanted" } as const;
  expect(stopsOf(take({ kind: "command", term: 1, command: stop }))).toHaveLength(1);
});
