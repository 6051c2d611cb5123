import type { Network } from "./network.ts";

/** How patient the cluster is, in seconds. */
export interface Timing {
  readonly electionTtlS: number;
  readonly heartbeatS: number;
  readonly nodeUnreachableAfterS: number;
  readonly nodeLostAfterS: number;
}

/** How large a cluster is, and where it lies. */
export interface ClusterOptions {
  /** Where all data and logs lie. */
  readonly directory: string;
  readonly network: Network;
  /** Of etcd; without any, the one controller stores for itself. */
  readonly members: number;
  readonly controllers: number;
  readonly gateways: number;
  /** That run jobs as processes. */
  readonly agents: number;
  /** Docker Engines, each with an agent of its own. */
  readonly engines: number;
  readonly gpusPerAgent: number;
  readonly timing: Timing;
  /** Requests per second for each client; no limit to speak of, if nothing is said. */
  readonly rateLimit?: number;
}
