import { systemClock } from "../base/clock.ts";
import type { TenantId } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import { type Service, ServiceStack } from "../base/service.ts";
import { type ArchiveOptions, Archivist } from "./archive/archivist.ts";
import { countHealth } from "./core/model/device-condition.ts";
import type { Settings } from "./core/model/state.ts";
import { FileJournal } from "./journal/file-journal.ts";
import { Loop } from "./loop/loop.ts";
import { StartWatch } from "./loop/start-watch.ts";
import { AgentLinks } from "./rpc/agent-links.ts";
import { agentService } from "./rpc/agent-service.ts";
import type { Handlers } from "./rpc/front.ts";
import { LogRelay } from "./rpc/log-relay.ts";
import { schedulerService } from "./rpc/scheduler-service.ts";
import type { Store } from "./store/store.ts";

export interface TermOptions {
  /** This controller's address, as others are told. */
  readonly address: string;
  readonly settings: Settings;
  readonly journal: string | undefined;
  /** For how long jobs that are over are kept, and where they go then; by default they are kept for ever. */
  readonly archive: ArchiveOptions | undefined;
  /** A tenant that is to be there. */
  readonly seedTenant: TenantId | undefined;
  readonly log: Logger;
}

/** One leadership, from the loaded state to its end; what it knew is dropped with it. */
export class Term implements Service {
  readonly number: number;
  readonly clusterId: string;
  readonly handlers: Handlers;
  /** Resolves when the term cannot go on. */
  readonly failed: Promise<Error>;
  readonly #loop: Loop;
  readonly #services: ServiceStack;

  private constructor(loop: Loop, handlers: Handlers, failed: Promise<Error>, services: ServiceStack) {
    this.number = loop.term;
    this.clusterId = loop.clusterId;
    this.#loop = loop;
    this.handlers = handlers;
    this.failed = failed;
    this.#services = services;
  }

  /** Loads what the store has, and begins to decide. The store stays its owner's. */
  static async begin(store: Store, options: TermOptions): Promise<Term> {
    const { log, settings, address: leader } = options;
    const services = new ServiceStack();
    const { promise: failed, resolve: onTermEnd } = Promise.withResolvers<Error>();
    try {
      const journal = options.journal === undefined ? undefined : new FileJournal({ path: options.journal, log });
      if (journal) services.add(journal);
      const links = services.add(new AgentLinks());
      const logs = services.add(new LogRelay(log));
      const loop: Loop = services.add(
        await Loop.start({
          store,
          settings,
          clock: systemClock,
          log,
          carryOut: (effect) => {
            if (effect.kind === "alarm")
              log.error({ node: effect.node, reason: effect.message }, "a lost node's jobs are held");
            const { clusterId, term, revision } = loop;
            links.carryOut(effect, { clusterId, term, revision, settings });
          },
          onTermEnd,
          journal,
        }),
      );
      if (options.archive) services.add(new Archivist({ ...options.archive, loop, log }));
      if (options.seedTenant !== undefined) await seedTenant(loop, options.seedTenant);
      const { lateStarts } = services.add(new StartWatch(loop, log));
      const facts = { leader, store: store.kind };
      const handlers = {
        scheduler: schedulerService({ loop, logs, lateStarts, facts, log }),
        agent: agentService(loop, links, logs, log),
      };
      return new Term(loop, handlers, failed, services);
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  /** For how long the batch under way has been; 0 when there is none, or when it waits for room in the store. */
  get busyMs(): number {
    return this.#loop.busyMs;
  }

  /** How many devices are in which health. */
  countHealth(): Promise<ReturnType<typeof countHealth>> {
    return this.#loop.read(({ nodes }) => countHealth(nodes.values()));
  }

  close(): Promise<void> {
    return this.#services.close();
  }
}

async function seedTenant(loop: Loop, id: TenantId): Promise<void> {
  if (await loop.read(({ tenants }) => tenants.has(id))) return;
  const tenant = { name: "example", limits: {}, tier: "high" } as const;
  await loop.submit({ kind: "create-tenant", tenant, id });
}
