/** The processes of a whole cluster: members of etcd, controllers, gateways and agents, each on a host of its own. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Service, ServiceStack } from "../../../base/service.ts";
import { packageRoot } from "../../../base/version.ts";
import { killJobs } from "../../support/dev-process.ts";
import { type DockerEngine, startDockerEngine } from "../../support/docker-engine.ts";
import { RestClient } from "../../support/rest-client.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import { type Layout, layOut, type Role } from "./layout.ts";
import { Program, type Surprise } from "./program.ts";
import type { SmallDisk } from "./small-disk.ts";

const READY_WITHIN_MS = 180_000;
const POLL_MS = 100;
const BIN = join(packageRoot, "bin/gpusched");

export interface Status {
  readonly leader: string;
  readonly term: number;
  readonly online_nodes: number;
  readonly total_nodes: number;
  readonly available_gpus: number;
  readonly total_gpus: number;
}

export interface AgentHost {
  readonly program: Program;
  /** Ends its jobs when it cannot. */
  readonly guard: Program;
  readonly nodeName: string;
  readonly dataDir: string;
  /** For one that runs jobs as containers. */
  readonly engine: DockerEngine | undefined;
  /** Where its data is, if that can be full. */
  readonly disk: SmallDisk | undefined;
}

/** A program that stores the cluster's state, on a disk that can be full. */
export interface Cramped {
  readonly program: Program;
  readonly disk: SmallDisk;
}

export class Cluster implements Service {
  readonly options: ClusterOptions;
  readonly members: readonly Program[];
  readonly controllers: readonly Program[];
  readonly gateways: readonly Program[];
  readonly agents: readonly AgentHost[];
  readonly cramped: readonly Cramped[];
  /** `host:port` of each. */
  readonly gatewayAddresses: readonly string[];
  /** A client of each gateway. */
  readonly clients: readonly RestClient[];
  /** Ends that nobody had asked for. */
  readonly surprises: Surprise[] = [];
  readonly #addresses: ReadonlyMap<string, Program>;
  readonly #services: ServiceStack;

  private constructor(
    options: ClusterOptions,
    layout: Layout,
    engines: readonly DockerEngine[],
    services: ServiceStack,
  ) {
    this.options = options;
    this.#services = services;
    const cramped: Cramped[] = [];
    const make = (role: Role, command: string) => {
      const program = this.#program(role.place.name, role, command);
      if (role.disk) cramped.push({ program, disk: role.disk });
      return program;
    };
    this.members = layout.members.map((role) => make(role, "etcd"));
    this.controllers = layout.controllers.map((role) => make(role, BIN));
    this.gateways = layout.gateways.map((role) => make(role, BIN));
    this.agents = layout.agents.map((role) => {
      const engine = engines.find(({ socketPath }) => socketPath === role.dockerSocket);
      const guard = this.#program(`${role.place.name}-guard`, { ...role, args: role.guardArgs }, BIN);
      const program = this.#program(role.place.name, role, BIN);
      return { program, guard, nodeName: role.place.name, dataDir: role.dataDir, engine, disk: role.disk };
    });
    this.cramped = cramped;
    this.gatewayAddresses = layout.gateways.map(({ listen }) => listen);
    this.clients = this.gatewayAddresses.map((listen) => new RestClient(`http://${listen}`));
    this.#addresses = new Map(this.controllers.map((program, n) => [layout.controllers[n]?.listen ?? "", program]));
  }

  /** Starts everything, and resolves when all nodes are online. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const services = new ServiceStack();
    try {
      const engines: DockerEngine[] = [];
      for (let n = 0; n < options.engines; n += 1) {
        const engine = await startDockerEngine();
        services.add({ close: () => engine.stop() });
        engines.push(engine);
      }
      const layout = await layOut(
        options,
        engines.map(({ socketPath }) => socketPath),
      );
      const cluster = new Cluster(options, layout, engines, services);
      for (const disk of cluster.#disks) services.add(disk);
      services.add({ close: () => cluster.#end() });
      for (const program of cluster.programs) program.start();
      await cluster.untilHealthy(READY_WITHIN_MS);
      return cluster;
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  get programs(): readonly Program[] {
    const hosts = this.agents.flatMap(({ program, guard }) => [program, guard]);
    return [...this.members, ...this.controllers, ...this.gateways, ...hosts];
  }

  get #disks(): readonly SmallDisk[] {
    return [...this.cramped, ...this.agents].flatMap(({ disk }) => disk ?? []);
  }

  /** Those that run jobs as containers. */
  get dockerAgents(): readonly (AgentHost & { readonly engine: DockerEngine })[] {
    return this.agents.flatMap((agent) => (agent.engine ? [{ ...agent, engine: agent.engine }] : []));
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
    this.options.network.heal();
    for (const disk of this.#disks) disk.free();
    for (const program of this.programs) {
      program.resume();
      program.start();
    }
  }

  close(): Promise<void> {
    return this.#services.close();
  }

  async #end(): Promise<void> {
    for (const program of this.programs) program.resume();
    await Promise.all(this.programs.map((program) => program.kill()));
    for (const { dataDir } of this.agents) await killJobs(join(dataDir, ".."));
  }

  #program(name: string, { place, args }: Role, command: string): Program {
    const logFile = join(this.options.directory, `${name}.log`);
    const onSurprise = (surprise: Surprise) => void this.surprises.push(surprise);
    return new Program({ name, place, command, args, logFile, onSurprise });
  }
}
