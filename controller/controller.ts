import { asTenantId } from "../base/ids.ts";
import { RequestError } from "../base/errors.ts";
import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { type Service, ServiceStack } from "../base/service.ts";
import type { ArchiveOptions } from "./archive/archivist.ts";
import { type Candidate, LoneCandidate } from "./candidate.ts";
import type { Policy } from "./core/model/policy.ts";
import type { Settings } from "./core/model/state.ts";
import { Leadership } from "./leadership.ts";
import type { MetricsOptions } from "./metrics.ts";
import { Front } from "./rpc/front.ts";
import { startRpcServer } from "./rpc/server.ts";
import type { EtcdCandidateOptions } from "./store/etcd/etcd-candidate.ts";

/** An etcd, and how controllers take turns on it. */
export type EtcdOptions = Omit<EtcdCandidateOptions, "address" | "clock" | "log">;

export interface ControllerOptions {
  /** Host and port; port 0 takes a free one. */
  readonly listen: string;
  /** What others are told as this controller's address; by default, where it listens. */
  readonly advertise: string | undefined;
  /** Where the embedded store is; not used with etcd. */
  readonly dataDir: string;
  /** Keeps the state there, and takes turns with other controllers. */
  readonly etcd?: EtcdOptions | undefined;
  /** How far the cluster had come whose latest state is lost: accepted by the operator. */
  readonly lost?: { readonly term: number; readonly revision: number } | undefined;
  readonly nodeUnreachableAfterMs: number;
  readonly nodeLostAfterMs: number;
  readonly policy: Policy;
  /** Where to take down all inputs and decisions, a file for each term; by default nowhere. */
  readonly journal?: string | undefined;
  /** For how long jobs that are over are kept, and where they go then; by default they are kept for ever. */
  readonly archive?: ArchiveOptions | undefined;
  /** Where to serve metrics, host and port; by default nowhere. */
  readonly metricsListen?: string | undefined;
  /** Creates the tenant that the documented examples use. */
  readonly seedTenant: boolean;
  readonly log: Logger;
}

/** How a controller is at the moment. */
export interface ControllerHealth {
  /** The term in which it leads; undefined while it does not. */
  readonly term: number | undefined;
  /** Who leads, as far as it knows. */
  readonly leader: string | undefined;
  /** For how long the batch under way has been; 0 when there is none, or when it waits for room in the store. */
  readonly busyMs: number;
}

export interface Controller extends Service {
  readonly address: string;
  /** Where metrics are served, if they are. */
  readonly metricsAddress: string | undefined;
  /** Resolves when this process can lead no more: it should end and start again. */
  readonly ended: Promise<Error>;
  health(): ControllerHealth;
}

/** The tenant of the documented examples. */
const EXAMPLE_TENANT = asTenantId("tenant-123");

/**
 * Serves, and leads when it is its turn: the only controller of a data directory has then opened it and loaded the state when
 * this resolves; one of several on etcd may have to wait.
 *
 * @throws StoreError `locked` or `damaged` with what to do
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { log } = options;
  if (options.nodeLostAfterMs < options.nodeUnreachableAfterMs) {
    throw new RequestError("invalid", "--node-lost-after must not be shorter than --node-unreachable-after");
  }
  const services = new ServiceStack();
  try {
    const front = new Front();
    const server = services.add(await startRpcServer(options.listen, front.handlers));
    const address = options.advertise ?? server.address;
    const candidate = services.add(await candidateOf(options, address));
    const term = {
      address,
      settings: settingsOf(options),
      journal: options.journal,
      archive: options.archive,
      seedTenant: options.seedTenant ? EXAMPLE_TENANT : undefined,
      log,
    };
    const leadership = services.add(new Leadership({ address: server.address, candidate, front, term, log }));
    const metrics = await startMetrics(options.metricsListen, { candidate, leadership, log });
    if (metrics) services.add(metrics);
    if (!candidate.leadsAgain) await orEnded(leadership);
    return {
      address: server.address,
      metricsAddress: metrics?.address,
      ended: leadership.ended,
      health: () => ({ term: leadership.term, busyMs: leadership.busyMs, leader: candidate.leader?.address }),
      close: () => services.close(),
    };
  } catch (error) {
    await services.close();
    throw error;
  }
}

/** What only some controllers need is loaded for them alone: it would take longer to load than all of the rest. */
async function candidateOf({ etcd, dataDir, lost, log }: ControllerOptions, address: string): Promise<Candidate> {
  if (!etcd) return new LoneCandidate({ dataDir, address, lost, log });
  const { EtcdCandidate } = await import("./store/etcd/etcd-candidate.ts");
  return new EtcdCandidate({ ...etcd, lost, address, clock: systemClock, log });
}

async function startMetrics(listen: string | undefined, options: Omit<MetricsOptions, "listen">) {
  if (listen === undefined) return undefined;
  const { serveMetrics } = await import("./metrics.ts");
  return serveMetrics({ ...options, listen });
}

/** The first term has begun, or why it never will. */
async function orEnded({ began, ended }: Leadership): Promise<void> {
  const failure = await Promise.race([began.then(() => undefined), ended]);
  if (failure) throw failure;
}

function settingsOf({ nodeUnreachableAfterMs, nodeLostAfterMs, policy, lost }: ControllerOptions): Settings {
  return { nodeUnreachableAfterMs, nodeLostAfterMs, policy, ...(lost ? { waitsForNodes: true } : {}) };
}
