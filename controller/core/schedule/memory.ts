import type { JobId, NodeName, TenantId } from "../../../base/ids.ts";
import type { JobIn } from "../model/job.ts";
import type { QueueGroup } from "../model/job-queue.ts";
import type { DemandMix } from "./demand-mix.ts";
import { newDemandMix } from "./demand-mix.ts";
import type { GangOutlook } from "./gang-outlook.ts";
import type { NodeRanking } from "./node-ranking.ts";
import { Recent } from "./recent.ts";

/** Kinds of job of which the rankings are remembered. */
const MAX_RANKINGS = 512;
/** Kinds of gang of which is remembered when they will have room: some hundred bytes for every running job each. */
const MAX_OUTLOOKS = 16;

/** What a reservation keeps on one node: as much, whichever devices it will be. */
export interface ReservedShare {
  readonly node: NodeName;
  readonly gpus: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
}

/** Room that is kept for a blocked job at a time when others will have left. */
export interface Reservation {
  readonly jobId: JobId;
  readonly pool: string;
  /** When it is expected to start, and to have ended. */
  readonly at: number;
  readonly until: number;
  readonly shares: readonly ReservedShare[];
}

/** Where the walk stands that puts waiting jobs with those that they are predicted like by now. */
export interface Regrouping {
  /** Of whom the jobs are looked at. */
  readonly tenants: ReadonlySet<TenantId>;
  readonly groups: Iterator<QueueGroup, undefined>;
  group: QueueGroup | undefined;
  /** The last one looked at in the group that stays there, and what place it had. */
  last: JobIn<"queued"> | undefined;
  place: number;
}

/** What one pass leaves for the next: it can all be worked out anew, at a price. */
export interface SchedulingMemory {
  /** In the order of the jobs they are for. */
  reservations: Reservation[];
  readonly reservedOn: Map<NodeName, Reservation[]>;
  /** The blocked job that nobody may pass, by pool, where the policy has it so. */
  readonly closedBy: Map<string, JobId>;
  /** Nodes in the order in which a kind of job would take them, by shape. */
  readonly rankings: Recent<NodeRanking>;
  /** Nodes in the order in which they will have room, by shape. */
  readonly openings: Recent<NodeRanking>;
  /** When nodes together will have room for a gang, by shape. */
  readonly outlooks: Recent<GangOutlook>;
  /** Nodes in the order in which room would be made on them for a kind of job of some priority, by both. */
  readonly yielding: Recent<NodeRanking>;
  /** Grows when a tenant changes: what was found out about who yields to whom may no longer hold. */
  tenantsVersion: number;
  /** When the jobs of tenants are looked at again that wait for their budget: the earliest time that a deadline is set for. */
  readonly budgetLooks: Map<TenantId, number>;
  readonly mix: DemandMix;
  regrouping: Regrouping | undefined;
  /** The time of the pass. */
  now: number;
  /** The state's growth when all groups were last looked at. */
  seenGrowth: number;
}

/** Nothing remembered. */
export function newSchedulingMemory(): SchedulingMemory {
  return {
    reservations: [],
    reservedOn: new Map(),
    closedBy: new Map(),
    rankings: new Recent(MAX_RANKINGS),
    openings: new Recent(MAX_RANKINGS),
    outlooks: new Recent(MAX_OUTLOOKS),
    yielding: new Recent(MAX_RANKINGS),
    tenantsVersion: 0,
    budgetLooks: new Map(),
    mix: newDemandMix(),
    regrouping: undefined,
    now: 0,
    seenGrowth: -1,
  };
}
