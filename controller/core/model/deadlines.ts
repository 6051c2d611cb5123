import type { JobId, NodeName, TenantId } from "../../../base/ids.ts";
import { Heap } from "./heap.ts";

/** What is to be looked at again at a time. An entry that no longer holds is ignored by whoever looks. */
export type Deadline =
  | { readonly at: number; readonly kind: "job"; readonly jobId: JobId }
  | { readonly at: number; readonly kind: "node"; readonly node: NodeName }
  /** What still runs on a node that is drained has to leave. */
  | { readonly at: number; readonly kind: "drain"; readonly node: NodeName }
  /** What its jobs used has left the window of its budget: those that wait for that may start. */
  | { readonly at: number; readonly kind: "budget"; readonly tenantId: TenantId }
  /** A device of the job has been idle for long enough that something is to be said or done. */
  | { readonly at: number; readonly kind: "idle"; readonly jobId: JobId }
  | { readonly at: number; readonly kind: "membership" };

/** What is due, the earliest first; what is due together in the order of names, whoever came first. */
export class DeadlineQueue {
  readonly #heap = new Heap<Deadline>((a, b) => a.at - b.at || compareNames(nameOf(a), nameOf(b)));

  /** The earliest time, undefined when there is none. */
  get nextAt(): number | undefined {
    return this.#heap.first?.at;
  }

  /** All of them, in no order. */
  [Symbol.iterator](): Iterator<Deadline> {
    return this.#heap[Symbol.iterator]();
  }

  add(deadline: Deadline): void {
    this.#heap.add(deadline);
  }

  /** Takes the earliest one that is due at `now`; undefined when none is. */
  takeDue(now: number): Deadline | undefined {
    const { first } = this.#heap;
    return first && first.at <= now ? this.#heap.take() : undefined;
  }
}

function nameOf(deadline: Deadline): string {
  switch (deadline.kind) {
    case "job":
      return deadline.jobId;
    case "node":
      return deadline.node;
    case "drain":
      return `${deadline.node} drain`;
    case "budget":
      return deadline.tenantId;
    case "idle":
      return `${deadline.jobId} idle`;
    case "membership":
      return "";
  }
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
