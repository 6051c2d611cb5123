import type { JobId, NodeName } from "../../../base/ids.ts";
import type { BudgetBlock } from "../budget.ts";
import type { QuotaBlock } from "../quota.ts";

/**
 * Why a node does not take a job now.
 *
 * `never` ones stay true however empty the node becomes; the others pass when work ends or the node recovers.
 */
export type NodeReason =
  | { readonly kind: "not-online"; readonly reach: "unreachable" | "lost" }
  | { readonly kind: "not-connected" }
  | { readonly kind: "cordoned" }
  | { readonly kind: "executor-not-ready"; readonly message: string }
  /** It is back, and has to be heard to be well for so many heartbeats. */
  | { readonly kind: "proving"; readonly good: number; readonly needed: number }
  | { readonly kind: "needs-image" }
  | { readonly kind: "no-sharing" }
  | { readonly kind: "volume"; readonly source: string; readonly problem: VolumeProblem }
  /** `has` is undefined for a node without the label. */
  | { readonly kind: "selector"; readonly label: string; readonly wants: string; readonly has: string | undefined }
  | { readonly kind: "too-few-gpus"; readonly has: number; readonly wants: number }
  | { readonly kind: "too-few-cores"; readonly has: number; readonly wants: number }
  | { readonly kind: "too-little-memory"; readonly hasMb: number; readonly wantsMb: number }
  | { readonly kind: "gpus-busy"; readonly free: number; readonly wants: number; readonly withheld?: Withheld }
  | { readonly kind: "cores-busy"; readonly free: number; readonly wants: number }
  | { readonly kind: "memory-busy"; readonly freeMb: number; readonly wantsMb: number }
  /** Its GPUs have more memory than the tenant may hold: as things are, or ever. */
  | { readonly kind: "gpu-memory-quota"; readonly leftMb: number; readonly wantsMb: number }
  /** It has the room, and what others left there is kept for jobs for which they were stopped. */
  | { readonly kind: "claimed"; readonly for: readonly JobId[] };

/** The node's agent allows no volume from there, allows only to read it, or cannot show it elsewhere to a plain process. */
export type VolumeProblem = "not-allowed" | "read-only" | "elsewhere";

/** How many devices nobody uses that are given to nobody either, by why. */
export interface Withheld {
  /** They slow themselves down for heat. */
  readonly throttling: number;
  /** Something still runs there that was given up, and that the agent is to end. */
  readonly leftover: number;
  /** Others have left them to jobs for which they were stopped. */
  readonly claimed: number;
  /** Their agents or operators say that they are not to be given out. */
  readonly conditions: number;
  /** What is said of the first few of those: `GPU-1 is unhealthy: XID 79: …`. */
  readonly told: readonly string[];
}

/** What one node says to a job: it fits, not now (room may be made), or never. */
export type Verdict =
  /** `gpus`: how many of the job's it has room for, where that was asked. */
  | { readonly answer: "fits"; readonly gpus?: number }
  | { readonly answer: "not-now" | "never"; readonly reason: NodeReason };

/** Why a queued job does not start. */
export type WaitReason =
  | { readonly kind: "quota"; readonly block: QuotaBlock }
  | { readonly kind: "budget"; readonly block: BudgetBlock }
  /** There is room, and it is kept for others who come first. */
  | { readonly kind: "reserved"; readonly for: readonly JobId[]; readonly at: number }
  /** There is room, and it is kept for jobs for which others were stopped. */
  | { readonly kind: "claimed"; readonly for: readonly JobId[] }
  /** Others have been stopped to make room for it. */
  | { readonly kind: "preempting"; readonly leaving: readonly JobId[]; readonly nodes: readonly NodeName[] }
  | { readonly kind: "no-nodes" }
  /** Its turn has not come: a scheduling pass is due. */
  | { readonly kind: "next" }
  | (Shortage & {
      readonly kind: "resources";
      readonly nodes: readonly { readonly node: NodeName; readonly verdict: Verdict }[];
    });

/** What there is on the nodes that take work and are large enough for a part of a job that does not fit. */
export interface Shortage {
  /** GPUs of its kind, and how many of them are free. */
  readonly gpusSuitable: number;
  readonly gpusFree: number;
  /** How many of the job's GPUs would have a place, with their part of cores and memory, if all was free. */
  readonly capacity: number;
  readonly withheld: Withheld;
}
