/** The processes of a whole cluster: members of etcd, controllers, gateways and agents, each on a host of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../../../base/service.ts";
import { packageRoot } from "../../../base/version.ts";
import { killJobs } from "../../support/dev-process.ts";
import { memberArgs } from "../../support/etcd-cluster.ts";
import { freePort } from "../../support/free-port.ts";
import { RestClient } from "../../support/rest-client.ts";
import type { Network, Place } from "./network.ts";
import { Program, type Surprise } from "./program.ts";

const READY_WITHIN_MS = 120_000;
const POLL_MS = 100;
const BIN = join(packageRoot, "bin/gpusched");

export interface Timing {
  readonly electionTtlS: number;
  readonly heartbeatS: number;
  readonly nodeUnreachableAfterS: number;
  readonly nodeLostAfterS: number;
}

export interface ClusterOptions {
  /** Where all data and logs lie. */
  readonly directory: string;
  readonly network: Network;
  readonly controllers: number;
  readonly gateways: number;
  readonly agents: number;
  readonly gpusPerAgent: number;
  readonly timing: Timing;
}

export interface Status {
  readonly leader: string;
  readonly term: number;
  readonly online_nodes: number;
  readonly total_nodes: number;
  readonly available_gpus: number;
  readonly total_gpus: number;
}

/** An agent that runs jobs as plain processes. */
export interface AgentHost {
  readonly program: Program;
  readonly nodeName: string;
  readonly dataDir: string;
}

export class Cluster implements Service {
  readonly options: ClusterOptions;
  readonly members: readonly Program[];
  readonly controllers: readonly Program[];
  readonly gateways: readonly Program[];
  readonly agents: readonly AgentHost[];
  /** A client of each gateway. */
  readonly clients: readonly RestClient[];
  /** Ends that nobody had asked for. */
  readonly surprises: Surprise[] = [];
  readonly #addresses: ReadonlyMap<string, Program>;

  private constructor(options: ClusterOptions, layout: Layout) {
    this.options = options;
    this.members = layout.members.map(({ place, args }) => this.#program(place, "etcd", args));
    this.controllers = layout.controllers.map(({ place, args }) => this.#program(place, BIN, args));
    this.gateways = layout.gateways.map(({ place, args }) => this.#program(place, BIN, args));
    this.agents = layout.agents.map(({ place, args, dataDir }) => {
      return { program: this.#program(place, BIN, args), nodeName: place.name, dataDir };
    });
    this.clients = layout.gateways.map(({ listen }) => new RestClient(`http://${listen}`));
    this.#addresses = new Map(this.controllers.map((program, n) => [layout.controllers[n]?.listen ?? "", program]));
  }

  /** Starts everything, and resolves when all nodes are online. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options, await layOut(options));
    for (const program of cluster.programs) program.start();
    try {
      await cluster.untilHealthy(READY_WITHIN_MS);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  get programs(): readonly Program[] {
    return [...this.members, ...this.controllers, ...this.gateways, ...this.agents.map(({ program }) => program)];
  }

  /** What any gateway says; undefined while none has an answer. */
  async status(): Promise<Status | undefined> {
    for (const client of this.clients) {
      const answer = await client.ask("GET", "/cluster/status");
      if (answer?.status === 200) return JSON.parse(answer.text) as Status;
    }
    return undefined;
  }

  /** The controller that leads; undefined while none does. */
  async leader(): Promise<Program | undefined> {
    const status = await this.status();
    return status && this.#addresses.get(status.leader);
  }

  /** Somebody leads and hears every node. */
  async untilHealthy(withinMs: number): Promise<void> {
    let last: Status | undefined;
    for (const until = performance.now() + withinMs; performance.now() < until; await sleep(POLL_MS)) {
      last = await this.status();
      if (last?.online_nodes === this.agents.length) return;
    }
    const found = last ? `${last.online_nodes} of ${this.agents.length} nodes are online` : "no controller leads";
    throw new Error(`the cluster was not healthy within ${withinMs / 1_000} s: ${found}`);
  }

  /** Everything runs again, and everything sent arrives. */
  mend(): void {
    if (this.options.network.isDivisible) this.options.network.heal();
    for (const program of this.programs) {
      program.resume();
      program.start();
    }
  }

  async close(): Promise<void> {
    for (const program of this.programs) program.resume();
    await Promise.all([...this.programs].reverse().map((program) => program.kill()));
    for (const { dataDir } of this.agents) await killJobs(join(dataDir, ".."));
  }

  #program(place: Place, command: string, args: readonly string[]): Program {
    const logFile = join(this.options.directory, `${place.name}.log`);
    const onSurprise = (surprise: Surprise) => void this.surprises.push(surprise);
    return new Program({ name: place.name, place, command, args, logFile, onSurprise });
  }
}

interface Role {
  readonly place: Place;
  readonly listen: string;
  readonly args: readonly string[];
}

interface Layout {
  readonly members: readonly Omit<Role, "listen">[];
  readonly controllers: readonly Role[];
  readonly gateways: readonly Role[];
  readonly agents: readonly (Omit<Role, "listen"> & { readonly dataDir: string })[];
}

async function layOut(options: ClusterOptions): Promise<Layout> {
  const { directory, network, timing } = options;
  const places = (kind: string, count: number) => {
    return Array.from({ length: count }, (_, n) => network.place(`${kind}-${n + 1}`));
  };
  const etcd = [];
  for (const place of places("etcd", options.controllers)) {
    const address = { name: place.name, host: place.address, client: await freePort(), peer: await freePort() };
    etcd.push({ place, address });
  }
  const addresses = etcd.map(({ address }) => address);
  const members = etcd.map(({ place, address }) => {
    return { place, args: memberArgs(address, addresses, join(directory, "data", place.name)) };
  });
  const endpoints = addresses.map(({ host, client }) => `http://${host}:${client}`).join(",");
  const open = network.isDivisible ? ["--insecure"] : [];
  const withPort = async (place: Place) => ({ place, listen: `${place.address}:${await freePort()}` });
  const controllers: Role[] = [];
  for (const { place, listen } of await inOrder(places("controller", options.controllers), withPort)) {
    const args = ["controller", "--listen", listen, "--etcd", endpoints, ...open, ...controllerTiming(timing)];
    controllers.push({ place, listen, args: [...args, "--data-dir", join(directory, "data", place.name)] });
  }
  const leaders = ["--controllers", controllers.map(({ listen }) => listen).join(",")];
  const gateways = (await inOrder(places("gateway", options.gateways), withPort)).map(({ place, listen }) => {
    return { place, listen, args: ["gateway", "--listen", listen, ...leaders, ...open, "--rate-limit", "100000"] };
  });
  const agents = places("node", options.agents).map((place) => agentOf(place, leaders, options));
  return { members, controllers, gateways, agents };
}

function agentOf(place: Place, leaders: readonly string[], options: ClusterOptions): Layout["agents"][number] {
  const dataDir = join(options.directory, "data", place.name, "agent");
  mkdirSync(join(dataDir, ".."), { recursive: true });
  const identity = ["--node-name", place.name, "--address", place.address, "--data-dir", dataDir];
  const gpus = ["--executor", "process", "--simulate-gpus", String(options.gpusPerAgent)];
  const pace = ["--heartbeat", `${options.timing.heartbeatS}s`];
  return { place, dataDir, args: ["agent", ...leaders, ...identity, ...gpus, ...pace] };
}

function controllerTiming(timing: Timing): string[] {
  const { electionTtlS, nodeUnreachableAfterS, nodeLostAfterS } = timing;
  const silence = ["--node-unreachable-after", `${nodeUnreachableAfterS}s`, "--node-lost-after", `${nodeLostAfterS}s`];
  return ["--election-ttl", `${electionTtlS}s`, ...silence];
}

async function inOrder<A, B>(items: readonly A[], one: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const item of items) results.push(await one(item));
  return results;
}
