import * as fc from "fast-check";
import { expect, test } from "vitest";
import { assert } from "../../base/assert.ts";
import { type AllocationKey, allocationName, asDeviceId, asJobId } from "../../base/ids.ts";
import type { AllocationState } from "../executor/executor.ts";
import type { Command, Effect, Input } from "./input.ts";
import { type AgentState, createAgentState } from "./state.ts";
import { step } from "./step.ts";

const key = fc.record({
  jobId: fc.constantFrom(asJobId("job-1"), asJobId("job-2")),
  attempt: fc.integer({ min: 1, max: 3 }),
  rank: fc.integer({ min: 0, max: 1 }),
});
const deviceIds = fc.subarray([asDeviceId("gpu-1"), asDeviceId("gpu-2")]);
const end = { kind: "exited", exitCode: 0, signal: undefined, outOfMemory: false, message: "" } as const;
const allocationState: fc.Arbitrary<AllocationState> = fc.constantFrom(
  { phase: "starting", message: "" },
  { phase: "running", startedAtMs: 1, stopping: false },
  { phase: "ended", startedAtMs: 1, endedAtMs: 2, end },
);
const blank = { tenantId: "t", jobName: "j", cpuCores: 1, memoryMb: 1, image: undefined, command: [], args: [] };
const rest = { script: undefined, environment: {}, labels: {}, graceMs: 1_000 };
const launch = fc.record({ key, deviceIds, requeueOnNodeLost: fc.boolean() }).map((given) => ({
  kind: "launch" as const,
  spec: { ...blank, ...rest, ...given },
}));
const command: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: launch, weight: 3 },
  key.map((of) => ({ kind: "stop" as const, key: of, graceMs: 5, reason: "" })),
  key.map((of) => ({ kind: "release" as const, key: of })),
);
const found = fc.record({
  key,
  deviceIds,
  graceMs: fc.constant(1_000),
  requeueOnNodeLost: fc.boolean(),
  state: allocationState,
});
const term = fc.oneof({ arbitrary: fc.constant(1), weight: 9 }, fc.integer({ min: 1, max: 4 }));
const sequence = fc.integer({ min: 1, max: 9 });
type Timeless<I extends Input> = I extends Input ? Omit<I, "atMs"> : never;
const input: fc.Arbitrary<Timeless<Input> | "the disk has written"> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant("command" as const), term, command }), weight: 6 },
  {
    arbitrary: fc.record({ kind: fc.constant("allocation-changed" as const), key, state: allocationState }),
    weight: 4,
  },
  fc.record({ kind: fc.constant("released" as const), key, done: fc.boolean() }),
  fc.record({ kind: fc.constant("give-up" as const), key, why: fc.constant("its device is gone") }),
  fc.record({
    kind: fc.constant("discovered" as const),
    wallMs: fc.constant(0),
    found: fc.array(found, { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("heartbeat-sent" as const), sequence }),
  fc.record({ kind: fc.constant("heartbeat-acked" as const), sequence }),
  fc.constant({ kind: "disconnected" as const }),
  fc.constant({ kind: "tick" as const }),
  { arbitrary: fc.constant("the disk has written" as const), weight: 2 },
);

/** Everything that the agent has asked for, looked at from outside the core. */
class World {
  readonly live = new Map<string, readonly string[]>();
  readonly #unwritten: Extract<Effect, { kind: "persist" }>["memory"][] = [];
  durableTerm = 0;
  highestTerm = 0;

  take(state: AgentState, given: Timeless<Input>, atMs: number): void {
    const before = new Map([...state.allocations].map(([name, { state: was }]) => [name, was.phase]));
    if (given.kind === "command") this.highestTerm = Math.max(this.highestTerm, given.term);
    for (const effect of step(state, { ...given, atMs })) this.#check(effect);
    for (const [name, { state: is }] of state.allocations) {
      assert(before.get(name) !== "ended" || is.phase === "ended", "an end was undone");
      if (is.phase === "ended") this.live.delete(name);
    }
    for (const name of this.live.keys()) assert(state.allocations.has(name), `${name} is lost`);
  }

  writeNext(state: AgentState, atMs: number): void {
    const memory = this.#unwritten.shift();
    if (!memory) return;
    this.durableTerm = memory.highestTerm;
    this.take(state, { kind: "persisted", memory }, atMs);
  }

  #check(effect: Effect): void {
    if (effect.kind === "persist") this.#unwritten.push(effect.memory);
    if (effect.kind === "launch") this.#checkLaunch(effect.spec.key, effect.spec.deviceIds);
    if (effect.kind === "release") assert(!this.live.has(allocationName(effect.key)), "released alive");
  }

  #checkLaunch(of: AllocationKey, devices: readonly string[]): void {
    assert(this.durableTerm === this.highestTerm, "obeyed before the term was durable");
    assert(!this.live.has(allocationName(of)), "launched twice");
    for (const held of this.live.values()) {
      assert(!held.some((id) => devices.includes(id)), "a device was given out twice");
    }
    this.live.set(allocationName(of), devices);
  }
}

test("whatever comes in whatever order: no device twice, nothing launched twice or lost, no end undone, no old leader obeyed", () => {
  const anyOrder = fc.property(fc.array(input, { minLength: 20, maxLength: 80 }), (inputs) => {
    const state = createAgentState({ clusterId: "c", highestTerm: 0, leaseMs: 30 }, 0);
    const world = new World();
    inputs.forEach((given, atMs) => {
      if (given === "the disk has written") world.writeNext(state, atMs);
      else world.take(state, given, atMs);
    });
  });
  expect(() => fc.assert(anyOrder, { numRuns: 1_000 })).not.toThrow();
});
