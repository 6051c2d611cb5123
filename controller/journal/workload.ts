import type { JobId, NodeName } from "../../base/ids.ts";
import type { JobSpec, Outcome } from "../core/model/job.ts";
import type { Inventory } from "../core/model/node.ts";
import type { Settings } from "../core/model/state.ts";
import type { Tenant } from "../core/model/tenant.ts";
import type { AttemptRun } from "./run-times.ts";

/** What a tenant was from a time on. All times are milliseconds since the epoch on the controller's clock. */
export interface TenantVersion {
  readonly at: number;
  readonly tenant: Tenant;
}

/** What a node had from a time on. Nodes that were never heard in the journal's time have none. */
export interface NodeVersion {
  readonly at: number;
  readonly node: NodeName;
  readonly inventory: Inventory;
}

/** When a node was given up as lost: from when it was last heard until it was heard again. */
export interface NodeAbsence {
  readonly node: NodeName;
  readonly from: number;
  /** Undefined if it did not come back in the journal's time. */
  readonly until: number | undefined;
}

/** A job as it was asked for, and how long it really ran. */
export interface Submission {
  readonly jobId: JobId;
  /** Of the array that it is a part of. */
  readonly arrayId: JobId | undefined;
  readonly at: number;
  readonly spec: JobSpec;
  /** Whether it had been submitted before the journal begins, and was not over then. */
  readonly isEarlier: boolean;
  /** When its cancellation was accepted. */
  readonly cancelledAt: number | undefined;
  /** How it ended; undefined if it had not. */
  readonly outcome: Outcome["kind"] | undefined;
  /** Whether it was stopped for not using its devices. */
  readonly wasIdle: boolean;
  readonly attempts: readonly AttemptRun[];
}

/** What was asked of a cluster during a journal, apart from what its scheduler made of it: to be asked of another one. */
export interface Workload {
  readonly beginsAt: number;
  /** The stamp of the last batch. */
  readonly endsAt: number;
  readonly settings: Settings;
  /** By time. */
  readonly tenants: readonly TenantVersion[];
  readonly nodes: readonly NodeVersion[];
  readonly absences: readonly NodeAbsence[];
  readonly submissions: readonly Submission[];
  /** The line of the first batch of which something else came now than was recorded: what follows may not be what it was. */
  readonly differsFromLine: number | undefined;
}
