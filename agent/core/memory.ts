import type { Effect, Memory } from "./input.ts";
import type { AgentState } from "./state.ts";

/** Changes what must not be forgotten, and has it written; the lease's beginning goes with it each time, at no cost. */
export function remember(state: AgentState, change: Partial<Memory>, effects: Effect[]): void {
  const { bootId, vouchedFromMs } = state;
  const vouched = vouchedFromMs === undefined ? {} : { vouchedFromMs };
  const leaseFrom = { bootId, atMs: state.leaseFromMs, ...vouched };
  state.memory = { ...state.memory, ...change, leaseFrom };
  effects.push({ kind: "persist", memory: state.memory });
}

/** How many Hellos a life of the agent may say: no agent comes near to it, and there is room for as many restarts. */
const HELLOS_A_LIFE = 2 ** 28;

/** The number of the n-th Hello in that life: higher than all of lives before. */
export function helloNumber(life: number, count: number): number {
  return life * HELLOS_A_LIFE + count;
}

/** A leader knows of a Hello with a higher number than ours: this agent's directory was put back. The next ones are above it. */
export function onHelloRefused(state: AgentState, highestHello: number, effects: Effect[]): void {
  const seenLife = Math.floor(highestHello / HELLOS_A_LIFE);
  if (seenLife >= (state.memory.life ?? 0)) remember(state, { life: seenLife + 1 }, effects);
}
