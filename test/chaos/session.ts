/** A cluster under load, in which something is done; then peace, and the checks. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { Random } from "../support/random.ts";
import { check, type Verdict } from "./check/check.ts";
import { converge } from "./converge.ts";
import type { Options } from "./options.ts";
import { DockerWatch } from "./workload/docker-watch.ts";
import { Workload } from "./workload/clients.ts";
import { prepareNotes } from "./workload/job-script.ts";
import { Journal } from "./workload/journal.ts";
import { Cluster } from "./world/cluster.ts";
import type { ClusterOptions } from "./world/cluster-options.ts";
import { Bridge, Loopback } from "./world/network.ts";

export interface SessionOptions extends Omit<ClusterOptions, "directory" | "network"> {
  readonly operationsPerSecond: number;
}

export interface Session {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly random: Random;
  /** Where jobs note what they do. */
  readonly notes: string;
  readonly containers: DockerWatch;
}

/**
 * Starts the cluster and its users, and lets `act` do what it likes with them; it resolves when the users are to stop.
 *
 * @returns the exit code of this program
 */
export async function runSession(
  options: Options,
  isInSandbox: boolean,
  given: SessionOptions,
  act: (session: Session) => Promise<void>,
): Promise<number> {
  const directory = makeDirectory(options);
  console.log(`seed ${options.seed}; everything is in ${directory}`);
  const network = isInSandbox ? new Bridge() : new Loopback();
  const cluster = await Cluster.start({ ...given, directory, network });
  let verdict: Verdict;
  try {
    verdict = await runOn(cluster, options, given, act);
  } finally {
    await cluster.close();
  }
  return report(verdict, options, directory);
}

function makeDirectory({ directory }: Options): string {
  const path = directory ?? mkdtempSync(join(tmpdir(), "gpusched-chaos-"));
  mkdirSync(join(path, "data"), { recursive: true });
  return realpathSync(path);
}

async function runOn(
  cluster: Cluster,
  { seed }: Options,
  { operationsPerSecond }: SessionOptions,
  act: (session: Session) => Promise<void>,
): Promise<Verdict> {
  const { directory, gpusPerAgent: gpusPerNode } = cluster.options;
  const notes = join(directory, "notes");
  prepareNotes(notes);
  const journal = new Journal(join(directory, "journal"));
  const containers = new DockerWatch(cluster.dockerAgents);
  const hasContainers = cluster.dockerAgents.length > 0;
  const users = { clients: cluster.clients, journal, notes, operationsPerSecond, gpusPerNode, hasContainers };
  const workload = new Workload({ ...users, random: new Random(seed + 1) });
  const over = new AbortController();
  const looking = new AbortController();
  const watching = containers.run(looking.signal);
  try {
    await workload.prepare();
    const asking = workload.run(over.signal);
    await Promise.race([asking, act({ cluster, workload, random: new Random(seed), notes, containers })]);
    over.abort();
    await asking;
    cluster.mend();
    const jobs = await converge(cluster);
    return check({ cluster, workload, jobs, notes, containers: containers.runs() });
  } catch (error) {
    return { violations: [messageOf(error)], looked: {} };
  } finally {
    over.abort();
    looking.abort();
    await watching;
    journal.close();
  }
}

function report({ violations, looked }: Verdict, { seed, directory: given }: Options, directory: string): number {
  const counts = Object.entries(looked).map(([what, count]) => `${count} ${what}`);
  console.log(counts.join(", "));
  for (const violation of violations) console.log(`VIOLATION ${violation}`);
  console.log(`${violations.length} violations (seed ${seed})`);
  if (violations.length > 0) console.log(`logs, journal and notes are in ${directory}`);
  else if (given === undefined) rmSync(directory, { recursive: true, force: true });
  return violations.length > 0 ? 1 : 0;
}
