import { type AllocationKey, allocationName, asDeviceId, asJobId } from "../../base/ids.ts";
import type { AllocationListener, AllocationState, LaunchSpec } from "../../agent/executor/executor.ts";

const WITHIN_MS = 60_000;

export type EndedAllocation = Extract<AllocationState, { phase: "ended" }>;

/** Records what an executor tells, and waits for what it should tell. */
export class AllocationLog {
  readonly #states = new Map<string, AllocationState[]>();
  readonly #waiting = new Set<() => void>();

  readonly listener: AllocationListener = (key, state) => {
    const name = allocationName(key);
    this.#states.set(name, [...this.of(key), state]);
    for (const check of this.#waiting) check();
  };

  /** Everything told of the allocation, in order. */
  of(key: AllocationKey): readonly AllocationState[] {
    return this.#states.get(allocationName(key)) ?? [];
  }

  /** The first state, told or still to be told, for which the condition holds. */
  async until(key: AllocationKey, condition: (state: AllocationState) => boolean): Promise<AllocationState> {
    return await new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      const check = (): void => {
        const found = this.of(key).find(condition);
        if (!found) return;
        finish();
        resolve(found);
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`${allocationName(key)} did not get there: ${JSON.stringify(this.of(key))}`));
      }, WITHIN_MS);
      this.#waiting.add(check);
      check();
    });
  }

  async untilRunning(key: AllocationKey): Promise<void> {
    const state = await this.until(key, (it) => it.phase !== "starting");
    if (state.phase !== "running") throw new Error(`it ended instead: ${JSON.stringify(state)}`);
  }

  async untilEnded(key: AllocationKey): Promise<EndedAllocation> {
    const state = await this.until(key, (it) => it.phase === "ended");
    if (state.phase !== "ended") throw new Error("unreachable");
    return state;
  }
}

let lastJob = 0;

/** A small allocation of a job of its own; what is given replaces the defaults. */
export function launchSpec(given: Partial<LaunchSpec> & { readonly gpus?: number } = {}): LaunchSpec {
  const { gpus = 0, ...rest } = given;
  lastJob += 1;
  return {
    key: { jobId: asJobId(`job-${lastJob}`), attempt: 1, rank: 0 },
    tenantId: "tenant-1",
    jobName: "test",
    deviceIds: Array.from({ length: gpus }, (_, index) => asDeviceId(`gpu-${index + 1}`)),
    cpuCores: 1,
    memoryMb: 64,
    image: undefined,
    command: [],
    args: [],
    script: undefined,
    environment: {},
    labels: {},
    graceMs: 10_000,
    requeueOnNodeLost: true,
    ...rest,
  };
}

/** All of an executor's answer as text. */
export async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of output) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
