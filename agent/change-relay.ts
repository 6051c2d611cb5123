import type { AllocationKey } from "../base/ids.ts";
import type { AllocationListener, AllocationState } from "./executor/executor.ts";

/** Keeps what an executor tells while it recovers, until there is someone to tell. */
export class ChangeRelay {
  #early: { readonly key: AllocationKey; readonly state: AllocationState }[] = [];
  #target: AllocationListener | undefined;

  /** What the executor is given. */
  readonly listener: AllocationListener = (key, state) => {
    if (this.#target) this.#target(key, state);
    else this.#early.push({ key, state });
  };

  /** Tells the target what has come so far, then all that comes. */
  connect(target: AllocationListener): void {
    this.#target = target;
    const early = this.#early;
    this.#early = [];
    for (const { key, state } of early) target(key, state);
  }
}
