import { type AllocationKey, allocationName, type DeviceId } from "../../../base/ids.ts";
import type { AllocationEnd, AllocationListener, AllocationState, FoundAllocation } from "../executor.ts";
import { containerName } from "./labels.ts";

/** What is known of an allocation from its launch or its labels. */
export interface AllocationFacts {
  readonly key: AllocationKey;
  readonly deviceIds: readonly DeviceId[];
  readonly gpuMilli: number | undefined;
  readonly graceMs: number;
  readonly requeueOnNodeLost: boolean;
  /** It was created before the host was last booted. */
  readonly isFromEarlierBoot: boolean;
}

/** One allocation that this executor follows, until it is released. An end is final. */
export class Allocation {
  readonly facts: AllocationFacts;
  readonly name: string;
  readonly containerName: string;
  /** Set once Docker has told it. */
  containerId: string | undefined;
  /** The launch alone looks after the container. */
  isLaunching = false;
  /** Docker told of a process that was killed for memory. */
  sawOutOfMemory = false;
  /** Why the agent ends it, which then is its end whatever its exit code. */
  forcedEnd: AllocationEnd | undefined;
  /** When SIGKILL is due, on the monotonic clock; undefined until it is to stop. */
  killAtMs: number | undefined;
  #state: AllocationState;
  #change = new AbortController();
  readonly #stop = new AbortController();
  readonly #listener: AllocationListener;

  constructor(facts: AllocationFacts, state: AllocationState, listener: AllocationListener) {
    this.facts = facts;
    this.name = allocationName(facts.key);
    this.containerName = containerName(facts.key);
    this.#state = state;
    this.#listener = listener;
  }

  get state(): AllocationState {
    return this.#state;
  }

  get hasEnded(): boolean {
    return this.#state.phase === "ended";
  }

  /** Aborts at the next change of anything. */
  get nextChange(): AbortSignal {
    return this.#change.signal;
  }

  /** Aborted when it is to stop. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Begins its stop, or shortens the time until SIGKILL. False when nothing changed. */
  stopBy(killAtMs: number): boolean {
    if (this.killAtMs !== undefined && this.killAtMs <= killAtMs) return false;
    this.killAtMs = killAtMs;
    this.#stop.abort();
    if (this.#state.phase === "running") this.become({ ...this.#state, stopping: true });
    this.#touch();
    return true;
  }

  /** Tells the listener if the state is news. */
  become(state: AllocationState): void {
    if (this.hasEnded || JSON.stringify(state) === JSON.stringify(this.#state)) return;
    if (this.#state.phase === "running" && state.phase === "starting") return;
    this.#state = state;
    this.#listener(this.facts.key, state);
    this.#touch();
  }

  /** It ended without having run. */
  neverRan(end: AllocationEnd): void {
    this.become({ phase: "ended", startedAtMs: undefined, endedAtMs: Date.now(), end });
  }

  found(): FoundAllocation {
    const { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost } = this.facts;
    return { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost, state: this.#state };
  }

  #touch(): void {
    const change = this.#change;
    this.#change = new AbortController();
    change.abort();
  }
}
