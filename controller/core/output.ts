import type { AllocationKey, JobId, NodeName, TenantId } from "../../base/ids.ts";
import type { Allocation } from "./model/allocation.ts";
import type { Job, JobEvent, JobEventKind, JobSpec } from "./model/job.ts";
import { MAX_HISTORY } from "./model/job.ts";
import type { Membership } from "./model/membership.ts";
import type { NodeRecord } from "./model/node.ts";
import type { State } from "./model/state.ts";
import type { Tenant } from "./model/tenant.ts";

/** A row to make durable, in the core's own types; what a job is asked for is written once. Null removes it. */
export type RowWrite =
  | { readonly table: "job"; readonly key: JobId; readonly value: Job | null }
  | { readonly table: "spec"; readonly key: JobId; readonly value: JobSpec | null }
  | { readonly table: "tenant"; readonly key: TenantId; readonly value: Tenant }
  | { readonly table: "node"; readonly key: NodeName; readonly value: NodeRecord }
  | { readonly table: "membership"; readonly key: string; readonly value: Membership | null };

/** What the world is told once the writes are durable. All of it may be repeated without harm. */
export type Effect =
  /** The agent's hello is accepted: the stream is open for commands. */
  | { readonly kind: "welcome"; readonly node: NodeName; readonly session: number; readonly at: number }
  | {
      readonly kind: "reject";
      readonly node: NodeName;
      readonly session: number;
      readonly reason: string;
      /** The Hello came late: the highest number of one of this node, above which its agent may try again. */
      readonly highestHello?: number;
    }
  | {
      readonly kind: "heartbeat-ack";
      readonly node: NodeName;
      readonly session: number;
      readonly sequence: number;
      /** The loop's time when it was decided: the agent's next heartbeat tells it back. */
      readonly at: number;
    }
  | {
      readonly kind: "membership";
      readonly node: NodeName;
      readonly session: number;
      readonly membership: Membership;
    }
  /** For the operator: something is wrong that a person should look at. */
  | { readonly kind: "alarm"; readonly node: NodeName; readonly session: undefined; readonly message: string }
  | {
      readonly kind: "launch";
      readonly node: NodeName;
      readonly session: number;
      readonly job: Job;
      readonly spec: JobSpec;
      readonly allocation: Allocation;
      /** The address of the node of rank 0. */
      readonly masterAddress: string;
    }
  | {
      readonly kind: "stop";
      readonly node: NodeName;
      readonly session: number;
      readonly key: AllocationKey;
      readonly graceMs: number;
      readonly reason: string;
    }
  | { readonly kind: "release"; readonly node: NodeName; readonly session: number; readonly key: AllocationKey };

/** Gathers what a batch of steps wants written and told. Writes of one row keep their last value. */
export class Output {
  readonly effects: Effect[] = [];
  readonly #writes: RowWrite[] = [];
  /** Where the write of each row is among them. */
  readonly #places = {
    job: new Map<string, number>(),
    spec: new Map<string, number>(),
    tenant: new Map<string, number>(),
    node: new Map<string, number>(),
    membership: new Map<string, number>(),
  };

  get writes(): readonly RowWrite[] {
    return this.#writes;
  }

  write(row: RowWrite): void {
    const places = this.#places[row.table];
    const place = places.get(row.key);
    if (place !== undefined) {
      this.#writes[place] = row;
      return;
    }
    places.set(row.key, this.#writes.length);
    this.#writes.push(row);
  }

  tell(effect: Effect): void {
    this.effects.push(effect);
  }
}

/** Sets the job's row in the state and has it written. */
export function saveJob(state: State, out: Output, job: Job): void {
  state.putJob(job);
  out.write({ table: "job", key: job.id, value: job });
}

/**
 * The job's history with one more line. What a node tells late is not put before what has been noted meanwhile: the story never
 * goes back in time.
 */
export function withEvent(job: Job, at: number, kind: JobEventKind, message: string): readonly JobEvent[] {
  const kept = job.history.length < MAX_HISTORY ? job.history : job.history.slice(1 - MAX_HISTORY);
  // Not spread: an array that grows keeps room for more, of which millions of histories would never make use.
  return kept.toSpliced(kept.length, 0, { at: Math.max(at, kept.at(-1)?.at ?? at), kind, message });
}
