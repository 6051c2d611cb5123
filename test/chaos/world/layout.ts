/** Which processes a cluster has, where each runs, and what each is told. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { memberArgs } from "../../support/etcd-cluster.ts";
import { freePort } from "../../support/free-port.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import type { Place } from "./network.ts";
import { SmallDisk } from "./small-disk.ts";

/** Enough for the few files of each kind that etcd keeps when it is told to keep few. */
const SMALL_ETCD_DISK_MB = 320;
/** The controller's reserve for a full disk takes 64 of it. */
const SMALL_STORE_DISK_MB = 192;

/** Room for the output of its jobs and what is recorded of them. */
const SMALL_AGENT_DISK_MB = 64;

/** A process to be. */
export interface Role {
  readonly place: Place;
  readonly args: readonly string[];
  /** What it writes is here, if it has a disk of its own that can be full. */
  readonly disk?: SmallDisk | undefined;
}

export interface Server extends Role {
  /** `host:port` */
  readonly listen: string;
}

export interface AgentRole extends Role {
  /** What stands beside it on its host. */
  readonly guardArgs: readonly string[];
  readonly dataDir: string;
  /** Where Docker answers, for one that runs jobs as containers. */
  readonly dockerSocket: string | undefined;
}

export interface Layout {
  readonly members: readonly Role[];
  readonly controllers: readonly Server[];
  readonly gateways: readonly Server[];
  readonly agents: readonly AgentRole[];
}

/** @param dockerSockets one for each node that runs containers, beside the other agents */
export async function layOut(options: ClusterOptions, dockerSockets: readonly string[]): Promise<Layout> {
  const { network } = options;
  const places = (kind: string, count: number) => {
    return Array.from({ length: count }, (_, n) => network.place(`${kind}-${n + 1}`));
  };
  const servers = async (kind: string, count: number) => {
    const all: { place: Place; listen: string }[] = [];
    for (const place of places(kind, count)) all.push({ place, listen: `${place.address}:${await freePort()}` });
    return all;
  };
  const open = network.isDivisible ? ["--insecure"] : [];
  const { members, store } = await membersOf(options, places("etcd", options.members));
  const disk = options.members === 0 ? smallDisk(options, "controller-1", SMALL_STORE_DISK_MB) : undefined;
  const controllers = (await servers("controller", options.controllers)).map(({ place, listen }) => {
    const dataDir = ["--data-dir", join(options.directory, "data", place.name, "controller")];
    const args = ["controller", "--listen", listen, ...store, ...open, ...dataDir, ...silence(options)];
    return { place, listen, args, disk };
  });
  const leaders = ["--controllers", controllers.map(({ listen }) => listen).join(",")];
  const gateways = (await servers("gateway", options.gateways)).map(({ place, listen }) => {
    const limit = ["--rate-limit", String(options.rateLimit ?? 100_000)];
    return { place, listen, args: ["gateway", "--listen", listen, ...leaders, ...open, ...limit] };
  });
  const processes = places("node", options.agents).map((place) => agentOf(place, leaders, options, undefined));
  const containers = places("docker", dockerSockets.length).map((place, n) =>
    agentOf(place, leaders, options, dockerSockets[n]),
  );
  return { members, controllers, gateways, agents: [...processes, ...containers] };
}

/** The members of etcd, and what controllers are told of them. */
async function membersOf(
  options: ClusterOptions,
  places: readonly Place[],
): Promise<{ members: readonly Role[]; store: readonly string[] }> {
  if (places.length === 0) return { members: [], store: [] };
  const found = [];
  for (const place of places) {
    const address = { name: place.name, host: place.address, client: await freePort(), peer: await freePort() };
    found.push({ place, address });
  }
  const addresses = found.map(({ address }) => address);
  const members = found.map(({ place, address }, n) => {
    const disk = n === 0 ? smallDisk(options, place.name, SMALL_ETCD_DISK_MB) : undefined;
    const args = memberArgs(address, addresses, join(options.directory, "data", place.name, "etcd"));
    return { place, args: [...args, "--max-wals", "2", "--max-snapshots", "2"], disk };
  });
  const endpoints = addresses.map(({ host, client }) => `http://${host}:${client}`).join(",");
  return {
    members,
    store: ["--etcd", endpoints, "--election-ttl", `${options.timing.electionTtlS}s`, "--allow-old-etcd"],
  };
}

function silence({ timing: { nodeUnreachableAfterS, nodeLostAfterS } }: ClusterOptions): string[] {
  return ["--node-unreachable-after", `${nodeUnreachableAfterS}s`, "--node-lost-after", `${nodeLostAfterS}s`];
}

function agentOf(
  place: Place,
  leaders: readonly string[],
  options: ClusterOptions,
  dockerSocket: string | undefined,
): AgentRole {
  const dataDir = join(options.directory, "data", place.name, "agent");
  mkdirSync(join(dataDir, ".."), { recursive: true });
  const identity = ["--node-name", place.name, "--address", place.address, "--data-dir", dataDir];
  const gpus = ["--simulate-gpus", String(options.gpusPerAgent), "--heartbeat", `${options.timing.heartbeatS}s`];
  const executor =
    dockerSocket === undefined ? ["--executor", "process"] : ["--executor", "docker", "--docker-socket", dockerSocket];
  const labels = dockerSocket === undefined ? [] : ["--labels", "runs=containers"];
  const args = ["agent", ...leaders, ...identity, ...gpus, ...executor, ...labels];
  const disk = smallDisk(options, place.name, SMALL_AGENT_DISK_MB);
  return { place, dataDir, dockerSocket, args, guardArgs: ["guard", "--data-dir", dataDir, ...executor], disk };
}

/** Only in a sandbox may something be mounted. */
function smallDisk({ network, directory }: ClusterOptions, name: string, sizeMb: number): SmallDisk | undefined {
  return network.isDivisible ? SmallDisk.mount(join(directory, "data", name), sizeMb) : undefined;
}
