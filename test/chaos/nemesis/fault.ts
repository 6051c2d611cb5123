import type { Random } from "../../support/random.ts";
import type { Cluster } from "../world/cluster.ts";

export interface FaultContext {
  readonly cluster: Cluster;
  readonly random: Random;
  /** Aborts when faults must be over. */
  readonly signal: AbortSignal;
}

/** Something that goes wrong, and is well again by itself some time later. */
export interface Fault {
  readonly name: string;
  /** Why it cannot happen to this cluster; undefined when it can. */
  problem(cluster: Cluster): string | undefined;
  /** Resolves when it is over, with what happened. */
  happen(context: FaultContext): Promise<string>;
}
