/** One run: a cluster under load, faults, peace, and the checks. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import { Random } from "../support/random.ts";
import { check, type Verdict } from "./check/check.ts";
import { converge } from "./converge.ts";
import { selectFaults } from "./nemesis/faults.ts";
import { torment } from "./nemesis/nemesis.ts";
import type { Options } from "./options.ts";
import { Workload } from "./workload/clients.ts";
import { prepareNotes } from "./workload/job-script.ts";
import { Journal } from "./workload/journal.ts";
import { Cluster, type Timing } from "./world/cluster.ts";
import { Bridge, Loopback } from "./world/network.ts";

const TIMING: Timing = { electionTtlS: 5, heartbeatS: 1, nodeUnreachableAfterS: 5, nodeLostAfterS: 25 };
const GPUS_PER_AGENT = 2;
const OPERATIONS_PER_SECOND = 8;

/** @returns the exit code */
export async function runScenario(options: Options, isInSandbox: boolean): Promise<number> {
  const directory = makeDirectory(options);
  console.log(`seed ${options.seed}, ${options.minutes} minutes, everything is in ${directory}`);
  const random = new Random(options.seed);
  const cluster = await Cluster.start({
    directory,
    network: isInSandbox ? new Bridge() : new Loopback(),
    controllers: 3,
    gateways: 2,
    agents: options.agents,
    gpusPerAgent: GPUS_PER_AGENT,
    timing: TIMING,
  });
  let verdict: Verdict;
  try {
    verdict = await runOn(cluster, options, random);
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

async function runOn(cluster: Cluster, options: Options, random: Random): Promise<Verdict> {
  const { directory, gpusPerAgent: gpusPerNode } = cluster.options;
  const notes = join(directory, "notes");
  prepareNotes(notes);
  const journal = new Journal(join(directory, "journal"));
  const faults = selectFaults(cluster, options.nemesis);
  const workload = new Workload({
    clients: cluster.clients,
    journal,
    random: new Random(options.seed + 1),
    notes,
    operationsPerSecond: OPERATIONS_PER_SECOND,
    gpusPerNode,
  });
  await workload.prepare();
  const over = new AbortController();
  const asking = workload.run(over.signal);
  const print = (line: string) => console.log(line);
  const tormenting = torment({ cluster, faults, random, signal: over.signal, print });
  const ending = sleep(options.minutes * 60_000).then(() => over.abort());
  try {
    const [counts] = await Promise.all([tormenting, asking, ending]);
    console.log(`faults: ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}`);
    cluster.mend();
    const jobs = await converge(cluster, workload);
    return check(cluster, workload, jobs, notes);
  } catch (error) {
    return { violations: [messageOf(error)], looked: {} };
  } finally {
    over.abort();
    journal.close();
  }
}

function report({ violations, looked }: Verdict, options: Options, directory: string): number {
  console.log(
    Object.entries(looked)
      .map(([what, count]) => `${count} ${what}`)
      .join(", "),
  );
  for (const violation of violations) console.log(`VIOLATION ${violation}`);
  console.log(`${violations.length} violations (seed ${options.seed})`);
  if (violations.length > 0) console.log(`logs, journal and notes are in ${directory}`);
  else if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  return violations.length > 0 ? 1 : 0;
}
