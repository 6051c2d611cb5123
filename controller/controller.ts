import { systemClock } from "../base/clock.ts";
import { asTenantId } from "../base/ids.ts";
import { RequestError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { type Service, ServiceStack } from "../base/service.ts";
import { type ArchiveOptions, Archivist } from "./archive/archivist.ts";
import type { Policy } from "./core/model/policy.ts";
import type { Settings } from "./core/model/state.ts";
import { FileJournal } from "./journal/file-journal.ts";
import { Loop } from "./loop/loop.ts";
import { StartWatch } from "./loop/start-watch.ts";
import { AgentLinks } from "./rpc/agent-links.ts";
import { agentService } from "./rpc/agent-service.ts";
import { LogRelay } from "./rpc/log-relay.ts";
import { schedulerService } from "./rpc/scheduler-service.ts";
import { startRpcServer } from "./rpc/server.ts";
import { openSqliteStore } from "./store/sqlite/sqlite-store.ts";

export interface ControllerOptions {
  /** Host and port; port 0 takes a free one. */
  readonly listen: string;
  /** What others are told as this controller's address; by default, where it listens. */
  readonly advertise: string | undefined;
  readonly dataDir: string;
  /** How far the cluster had come whose latest state is lost: accepted by the operator. */
  readonly lost?: { readonly term: number; readonly revision: number } | undefined;
  readonly nodeUnreachableAfterMs: number;
  readonly nodeLostAfterMs: number;
  readonly policy: Policy;
  /** Where to take down all inputs and decisions, a file for each term; by default nowhere. */
  readonly journal?: string | undefined;
  /** For how long jobs that are over are kept, and where they go then; by default they are kept for ever. */
  readonly archive?: ArchiveOptions | undefined;
  /** Creates the tenant that the documented examples use. */
  readonly seedTenant: boolean;
  readonly log: Logger;
}

export interface Controller extends Service {
  readonly address: string;
  /** Resolves when the term has ended by failure: the process should end and start again. */
  readonly ended: Promise<Error>;
}

/** The tenant of the documented examples. */
const EXAMPLE_TENANT = asTenantId("tenant-123");

/**
 * Opens the store, loads the state, and serves.
 *
 * @throws StoreError `locked` or `damaged` with what to do
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { log } = options;
  if (options.nodeLostAfterMs < options.nodeUnreachableAfterMs) {
    throw new RequestError("invalid", "--node-lost-after must not be shorter than --node-unreachable-after");
  }
  const services = new ServiceStack();
  const { promise: ended, resolve: onTermEnd } = Promise.withResolvers<Error>();
  try {
    const owner = { address: options.advertise ?? options.listen };
    const store = services.add(await openSqliteStore({ dataDir: options.dataDir, log, owner, lost: options.lost }));
    const links = new AgentLinks();
    const logs = new LogRelay(log);
    const settings = settingsOf(options);
    const { journal: path } = options;
    const journal = path === undefined ? undefined : services.add(new FileJournal({ path, log }));
    const loop: Loop = services.add(
      await Loop.start({
        store,
        settings,
        clock: systemClock,
        log,
        carryOut: (effect) => {
          const { clusterId, term, revision } = loop;
          links.carryOut(effect, { clusterId, term, revision, settings });
        },
        onTermEnd,
        journal,
      }),
    );
    if (options.archive) services.add(new Archivist({ ...options.archive, loop, log }));
    if (options.seedTenant) await seedTenant(loop);
    const facts = { leader: options.advertise ?? options.listen, store: store.kind };
    const server = services.add(
      await startRpcServer(options.listen, {
        scheduler: schedulerService({
          loop,
          logs,
          lateStarts: services.add(new StartWatch(loop, log)).lateStarts,
          facts,
          log,
        }),
        agent: agentService(loop, links, logs, log),
      }),
    );
    facts.leader = options.advertise ?? server.address;
    log.info({ address: server.address, term: loop.term, cluster: loop.clusterId }, "the controller leads");
    return { address: server.address, ended, close: () => services.close() };
  } catch (error) {
    await services.close();
    throw error;
  }
}

function settingsOf({ nodeUnreachableAfterMs, nodeLostAfterMs, policy, lost }: ControllerOptions): Settings {
  return { nodeUnreachableAfterMs, nodeLostAfterMs, policy, ...(lost ? { waitsForNodes: true } : {}) };
}

async function seedTenant(loop: Loop): Promise<void> {
  const tenant = { name: "example", limits: {}, tier: "high" } as const;
  await loop.submit({ kind: "create-tenant", tenant, id: EXAMPLE_TENANT });
}
