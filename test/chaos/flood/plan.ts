/** What the generator of a flood is told, and what it tells in the end. */

export interface FloodPlan {
  /** `host:port` of each gateway: they are asked in turn. */
  readonly targets: readonly string[];
  readonly tenant: string;
  /** Of the names of jobs; a number follows. */
  readonly prefix: string;
  readonly forMs: number;
  /** Open loop: so many are due, whatever is answered. Undefined: each connection asks again when it has been answered. */
  readonly perSecond: number | undefined;
  /** To each target, at most. */
  readonly connections: number;
  /** Where the report goes. */
  readonly report: string;
}

/** One submission; times are milliseconds since the epoch. */
export interface Asked {
  readonly name: string;
  /** When it should have been sent; all that a user waits for is counted from here. */
  readonly dueMs: number;
  /** When it was: what is between the two is the generator's own delay, or there was no connection free. */
  readonly sentMs: number;
  readonly returnedMs: number;
  /** 0 for no answer. */
  readonly status: number;
  readonly hasRetryAfter: boolean;
  readonly id: string | undefined;
}

export interface FloodReport {
  readonly asked: readonly Asked[];
  /** Of the generator's process. */
  readonly processorMs: number;
}

/** Taken, and never run: no node has this label. */
export function floodBody(tenant: string, name: string): Readonly<Record<string, unknown>> {
  return { tenant_id: tenant, name, gpu_count: 0, node_selector: { nowhere: "yes" }, command: ["true"] };
}
