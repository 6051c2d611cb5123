import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { MINUTE_MS } from "../../../base/time.ts";
import { type EngineClient, isMissing, isRefused, type NetworkDetails, type NetworkOptions } from "./engine-client.ts";
import { type Failure, node, quoted } from "./failures.ts";
import { ANY_AGENT_LABEL } from "./labels.ts";
import { NETWORK_LABEL, networkFault, networkOptions, type TenantNetwork, tenantNetwork } from "./tenant-network.ts";

const PRUNE_EVERY_MS = MINUTE_MS;
/** As Docker has said it since 1.9, and as it says it since 28. */
const NO_ADDRESSES = /non-overlapping IPv4 address pool|predefined address pools|fully subnetted/i;

export interface TenantNetworksOptions {
  readonly engine: Pick<EngineClient, "network" | "networks" | "createNetwork" | "removeNetwork" | "list">;
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** Whether jobs of this host have a network of their tenant's at all. */
  readonly isWanted: boolean;
  readonly pruneEveryMs?: number;
  engineId(): Promise<string>;
}

/** Makes a network for each tenant that has jobs here, and takes it away when nothing is on it any more. */
export class TenantNetworks {
  readonly #options: TenantNetworksOptions;
  /** How many launches of each tenant are under way: its network is not removed before their containers can be seen. */
  readonly #users = new Map<string, number>();
  readonly #making = new Map<string, Promise<Failure | undefined>>();
  readonly #removing = new Map<string, Promise<void>>();

  constructor(options: TenantNetworksOptions) {
    this.#options = options;
  }

  /** Runs a launch for a tenant, during which its network, once provided, is left where it is. */
  async using<T>(tenantId: string, launch: () => Promise<T>): Promise<T> {
    if (!this.#options.isWanted) return await launch();
    this.#users.set(tenantId, (this.#users.get(tenantId) ?? 0) + 1);
    try {
      await this.#removing.get(tenantId);
      return await launch();
    } finally {
      const left = (this.#users.get(tenantId) ?? 1) - 1;
      if (left > 0) this.#users.set(tenantId, left);
      else this.#users.delete(tenantId);
    }
  }

  /** Sees to it that the tenant's network is there; why it cannot be. One at a time for each network. */
  async provide(tenantId: string): Promise<Failure | undefined> {
    if (!this.#options.isWanted) return undefined;
    const making = this.#making.get(tenantId) ?? this.#make(tenantId);
    this.#making.set(tenantId, making);
    try {
      return await making;
    } finally {
      this.#making.delete(tenantId);
    }
  }

  /** Ends when `closing` aborts. */
  async run(): Promise<void> {
    const { closing, log, isWanted, pruneEveryMs = PRUNE_EVERY_MS } = this.#options;
    while (!closing.aborted) {
      try {
        await this.prune();
      } catch (error) {
        log.debug({ problem: messageOf(error) }, "unused networks of tenants not looked for");
      }
      // Where policy has changed, those of before go once.
      if (!isWanted) return;
      await delay(pruneEveryMs, closing);
    }
  }

  /** Removes the networks of tenants that no container of any agent has. */
  async prune(): Promise<void> {
    const { engine } = this.#options;
    const networks = await engine.networks(NETWORK_LABEL);
    if (networks.length === 0) return;
    const containers = await engine.list(ANY_AGENT_LABEL);
    const used = new Set(containers.map(({ HostConfig }) => HostConfig.NetworkMode));
    for (const { Id, Name, Labels } of networks) {
      const tenantId = Labels?.[NETWORK_LABEL] ?? "";
      if (used.has(Name) || used.has(Id) || this.#users.has(tenantId)) continue;
      const removal = this.#remove(Id, Name);
      this.#removing.set(tenantId, removal);
      await removal.finally(() => this.#removing.delete(tenantId));
    }
  }

  async #make(tenantId: string): Promise<Failure | undefined> {
    const { engine, log } = this.#options;
    const wanted = tenantNetwork(tenantId, await this.#options.engineId());
    const found = await engine.network(wanted.name);
    if (found) return judge(found, tenantId, wanted);
    const refused = await this.#create(networkOptions(tenantId, wanted));
    // Another agent of this engine may have made it meanwhile.
    const made = await engine.network(wanted.name);
    if (made) {
      if (refused === undefined) log.info({ tenant: tenantId, network: wanted.name }, "made a network for a tenant");
      return judge(made, tenantId, wanted);
    }
    return node(why(refused ?? "it is gone again at once", tenantId));
  }

  /** What the engine refused it with; undefined when it was made. */
  async #create(options: NetworkOptions): Promise<string | undefined> {
    for (let isFirst = true; ; isFirst = false) {
      try {
        await this.#options.engine.createNetwork(options);
        return undefined;
      } catch (error) {
        if (!isRefused(error)) throw error;
        if (!isFirst || !NO_ADDRESSES.test(messageOf(error))) return messageOf(error);
        // Those that nobody needs any more hold addresses.
        await this.prune();
      }
    }
  }

  async #remove(id: string, name: string): Promise<void> {
    const { engine, log } = this.#options;
    try {
      await engine.removeNetwork(id);
      log.info({ network: name }, "removed the network of a tenant without jobs");
    } catch (error) {
      // A person has put something there, or another agent a container.
      if (!isMissing(error)) log.debug({ network: name, problem: messageOf(error) }, "network not removed");
    }
  }
}

/** Why the network that has the name cannot be used for the tenant. */
function judge(found: NetworkDetails, tenantId: string, wanted: TenantNetwork): Failure | undefined {
  const fault = networkFault(found, tenantId, wanted);
  if (fault === undefined) return undefined;
  const cure = `docker network rm ${wanted.name} makes way for the tenant's own`;
  return node(`Docker's network ${wanted.name} ${fault}: ${cure}`);
}

/** Docker's refusal to make a network, and what helps. */
function why(refusal: string, tenantId: string): string {
  if (NO_ADDRESSES.test(refusal)) {
    const cure = "give it more in default-address-pools of /etc/docker/daemon.json, and restart it";
    return `Docker has no addresses left for a network of the tenant ${tenantId}: ${cure}`;
  }
  return `Docker could not make a network for the tenant ${tenantId}: ${quoted(refusal)}`;
}
