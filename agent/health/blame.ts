import { delay } from "../../base/abort.ts";
import { type AllocationKey, asDeviceId } from "../../base/ids.ts";
import type { Service } from "../../base/service.ts";
import type { AllocationListener, AllocationState } from "../executor/executor.ts";
import type { HealthWatch } from "./health-watch.ts";

/** A device may be found out of order only a moment after the program on it has died of that; its end is not told before. */
const LOOK_WITHIN_MS = 2_000;

export interface BlameOptions {
  readonly health: HealthWatch;
  /** What the allocation was granted. */
  readonly devicesOf: (key: AllocationKey) => readonly string[];
  /** Reads the devices once more. */
  readonly look: () => Promise<void>;
  /** Is told everything, in the order in which it came for each allocation. */
  readonly take: AllocationListener;
}

/** Stands between what executor and agent: finds out which ends are the doing of a device, and tells devices how jobs did on them. */
export class Blame implements Service {
  readonly #options: BlameOptions;
  readonly #closing = new AbortController();

  constructor(options: BlameOptions) {
    this.#options = options;
  }

  readonly listener: AllocationListener = (key, state) => {
    const { health, devicesOf, take } = this.#options;
    const ids = devicesOf(key);
    if (ids.length > 0) noteStart(health, ids, state);
    if (mayBeDevices(state, ids)) void this.#takeLater(key, state, ids);
    else take(key, state);
  };

  async #takeLater(key: AllocationKey, state: AllocationState, ids: readonly string[]): Promise<void> {
    const { health, look, take } = this.#options;
    const { signal } = this.#closing;
    await Promise.race([look().catch(() => undefined), delay(LOOK_WITHIN_MS, signal)]);
    // The next agent finds it on the host as this one did.
    if (!signal.aborted) take(key, withBlame(state, ids, health));
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}

function noteStart(health: HealthWatch, ids: readonly string[], state: AllocationState): void {
  const deviceIds = ids.map(asDeviceId);
  if (state.phase === "running") health.input({ kind: "started", deviceIds });
  else if (state.phase === "ended" && state.startedAtMs === undefined && state.end.kind === "node") {
    health.input({ kind: "start-failed", deviceIds, why: state.end.message });
  }
}

/** Whether the end is one that a device may be to blame for: a program failed, and not for want of the host's memory. */
function mayBeDevices(state: AllocationState, ids: readonly string[]): boolean {
  if (state.phase !== "ended" || ids.length === 0 || state.startedAtMs === undefined) return false;
  return state.end.kind === "exited" && state.end.exitCode !== 0 && !state.end.outOfMemory;
}

/** The state as it is told: a program that failed while a device of it became unhealthy is the device's doing. */
export function withBlame(state: AllocationState, ids: readonly string[], health: HealthWatch): AllocationState {
  if (state.phase !== "ended" || state.end.kind !== "exited" || !mayBeDevices(state, ids)) return state;
  const broken = health.brokenSince(ids, state.startedAtMs ?? state.endedAtMs);
  if (broken.length === 0) return state;
  const { exitCode, message } = state.end;
  const what = broken.map(({ id, why }) => `${id} became unhealthy while the job ran: ${why}`).join("; ");
  const how = [exitCode === undefined ? "" : `exit code ${exitCode}`, message].filter((part) => part !== "").join(": ");
  const told = how === "" ? what : `${what} (${how})`;
  return { ...state, end: { kind: "node", message: told, failedDeviceIds: broken.map(({ id }) => id) } };
}
