import type { AllocationKey, DeviceId, JobId, NodeName, TenantId } from "../../base/ids.ts";
import type { AllocationEnd } from "./model/allocation.ts";
import type { DeviceCondition } from "./model/device-condition.ts";
import type { JobSpec } from "./model/job.ts";
import type { DeviceReading, Inventory } from "./model/node.ts";
import type { Limits, PriorityTier } from "./model/tenant.ts";

/** What an agent says of one allocation. Times are the agent's own wall clock, in milliseconds since the epoch. */
export interface AllocationReport {
  readonly key: AllocationKey;
  readonly devices: readonly string[];
  readonly state:
    | { readonly phase: "starting"; readonly message: string }
    | { readonly phase: "running"; readonly startedAt: number }
    | {
        readonly phase: "ended";
        readonly startedAt?: number;
        /** Absent for what never was: the time at which it is told counts. */
        readonly endedAt?: number;
        readonly end: AllocationEnd;
      };
}

/** What an administrator gives a tenant; the rest takes its default. */
export interface TenantFields {
  readonly name: string;
  readonly email?: string;
  readonly organization?: string;
  readonly limits: Limits;
  readonly tier?: PriorityTier;
  readonly allowPreemption?: boolean;
  readonly canPreemptOthers?: boolean;
  readonly fairShareWeight?: number;
  readonly gpuHoursBudget?: number;
  readonly budgetWindowDays?: number;
  readonly minGpuUtilization?: number;
  readonly gpuIdleWindowMinutes?: number;
}

/** Fields that are present are set; limits and texts that are null are removed. */
export interface TenantChange {
  readonly name?: string;
  readonly email?: string | null;
  readonly organization?: string | null;
  readonly limits: { readonly [limit in keyof Limits]?: number | null };
  readonly tier?: PriorityTier;
  readonly allowPreemption?: boolean;
  readonly canPreemptOthers?: boolean;
  readonly fairShareWeight?: number | null;
  readonly gpuHoursBudget?: number | null;
  readonly budgetWindowDays?: number | null;
  readonly minGpuUtilization?: number | null;
  readonly gpuIdleWindowMinutes?: number | null;
  readonly active?: boolean;
}

/** Whether a node can start allocations, and a sentence that says why not. */
export interface ExecutorHealth {
  readonly ready: boolean;
  readonly message: string;
}

/** Everything that can happen. `at` is the loop's clock: milliseconds since the epoch, never going back within a term. */
export type Input =
  /** With `count`, an array of so many jobs. */
  | { readonly kind: "submit-job"; readonly at: number; readonly spec: JobSpec; readonly count?: number }
  /** The id may be an array's: then all of its jobs. */
  | { readonly kind: "cancel-job"; readonly at: number; readonly jobId: JobId }
  /** A job says that all it has done so far is safe. */
  | {
      readonly kind: "checkpoint";
      readonly at: number;
      readonly jobId: JobId;
      /** What the agent read it of, and when by its own clock; absent when the job came to us itself. */
      readonly seen?: { readonly key: AllocationKey; readonly node: NodeName; readonly at: number };
    }
  /** `id` is given only for the tenant of the documented examples. */
  | { readonly kind: "create-tenant"; readonly at: number; readonly tenant: TenantFields; readonly id?: TenantId }
  | { readonly kind: "update-tenant"; readonly at: number; readonly tenantId: TenantId; readonly change: TenantChange }
  /** Jobs and arrays that are over and in the archive are not kept any more. */
  | { readonly kind: "forget-jobs"; readonly at: number; readonly ids: readonly JobId[] }
  /** An agent's first word on a new stream: everything it has and knows. */
  | {
      readonly kind: "node-hello";
      readonly at: number;
      readonly session: number;
      readonly node: NodeName;
      readonly agentId: string;
      readonly bootId: string;
      /** Grows with every Hello of the node; absent where its agent does not number them. */
      readonly number?: number;
      /** The version of the membership that its agent goes by; absent is none. */
      readonly membership?: number;
      readonly inventory: Inventory;
      readonly executor: ExecutorHealth;
      /** One for each device; absent where its agent does not tell. */
      readonly conditions?: readonly DeviceCondition[];
      readonly allocations: readonly AllocationReport[];
    }
  | {
      readonly kind: "node-heartbeat";
      readonly at: number;
      readonly session: number;
      readonly node: NodeName;
      readonly sequence: number;
      /** The newest time of this leader's that its agent has heard; absent for none. */
      readonly echo?: number;
      /** As in the Hello. */
      readonly membership?: number;
      /** Whether a peer has answered it; absent while that is not known. */
      readonly reachesPeers?: boolean;
      readonly executor: ExecutorHealth;
      readonly telemetry: readonly DeviceReading[];
      /** As in the Hello. */
      readonly conditions?: readonly DeviceCondition[];
      /** Present when it changed. */
      readonly inventory?: Inventory;
    }
  | {
      readonly kind: "allocation-report";
      readonly at: number;
      readonly session: number;
      readonly node: NodeName;
      readonly report: AllocationReport;
    }
  /** The agent's stream has ended. */
  | { readonly kind: "node-disconnected"; readonly at: number; readonly session: number; readonly node: NodeName }
  /** An operator says that the node's host is off. */
  | {
      readonly kind: "confirm-node-dead";
      readonly at: number;
      readonly node: NodeName;
      /** Who says so, and how that is known. */
      readonly by: string;
      readonly reason: string;
    }
  /** An operator wants no new jobs on the node. */
  | {
      readonly kind: "cordon-node";
      readonly at: number;
      readonly node: NodeName;
      readonly by: string;
      readonly reason: string;
      /** After so long what still runs there has to leave; absent: it may stay. */
      readonly drainMs?: number;
    }
  | { readonly kind: "uncordon-node"; readonly at: number; readonly node: NodeName }
  /** An operator wants no new jobs on the device, or wants them there whatever its agent says. */
  | {
      readonly kind: "quarantine-device" | "release-device";
      readonly at: number;
      readonly node: NodeName;
      readonly device: DeviceId;
      readonly by: string;
      readonly reason: string;
    }
  /** Time has passed: whatever is due is looked at. */
  | { readonly kind: "tick"; readonly at: number };

/** Names every kind of input: there is one handler for each. */
export type InputKind = Input["kind"];
/** The input of one kind. */
export type InputOf<K extends InputKind> = Extract<Input, { kind: K }>;

/** What the asker of an input is told, once it is durable. */
export interface Answers {
  /** The job, or the array and its jobs in order. */
  "submit-job": { readonly jobId: JobId; readonly jobIds?: readonly JobId[] };
  checkpoint: { readonly jobId: JobId };
  "cancel-job": { readonly jobId: JobId };
  "forget-jobs": { readonly jobs: number };
  /** The jobs that held something there. */
  "confirm-node-dead": { readonly affected: readonly JobId[] };
  /** The jobs that hold something there. */
  "cordon-node": { readonly affected: readonly JobId[] };
  "uncordon-node": { readonly affected: readonly JobId[] };
  /** The jobs that hold something of the device. */
  "quarantine-device": { readonly affected: readonly JobId[] };
  "release-device": { readonly affected: readonly JobId[] };
  "create-tenant": { readonly tenantId: TenantId };
  "update-tenant": { readonly tenantId: TenantId };
}

/** An input without its stamp, as it comes from outside. */
export type Unstamped<I extends Input> = I extends Input ? Omit<I, "at"> : never;
