/** Submissions from a process on a host of its own, and everything that is known of them afterwards for the checks. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { present } from "../../../base/assert.ts";
import type { Session } from "../session.ts";
import type { Operation } from "../workload/operation.ts";
import type { Submission } from "../workload/submission.ts";
import type { Place } from "../world/network.ts";
import { floodBody, type FloodPlan, type FloodReport } from "./plan.ts";

const GENERATOR = join(import.meta.dirname, "generator-child.ts");
const CANCELLERS = 32;
const RETRY_MS = 250;

export class Flood {
  readonly #session: Session;
  readonly #place: Place;
  readonly #tenant: string;
  readonly #taken: Submission[] = [];

  constructor(session: Session) {
    this.#session = session;
    // An address of its own, so that what limits this client leaves the other users alone.
    this.#place = session.cluster.options.network.place("flood");
    const free = session.workload.tenants.find(
      ({ maxGpus, maxJobs }) => maxGpus === undefined && maxJobs === undefined,
    );
    this.#tenant = present(free, "a tenant without a quota").id;
  }

  /** Resolves when the last submission is answered. */
  async run(plan: Pick<FloodPlan, "prefix" | "forMs" | "perSecond" | "connections">): Promise<FloodReport> {
    const { cluster } = this.#session;
    const report = join(cluster.options.directory, `${plan.prefix}.json`);
    const whole: FloodPlan = { ...plan, targets: cluster.gatewayAddresses, tenant: this.#tenant, report };
    const [command, ...args] = [...this.#place.inside, process.execPath, GENERATOR, JSON.stringify(whole)];
    const [code] = (await once(spawn(command, args, { stdio: "inherit" }), "exit")) as [number | null];
    if (code !== 0) throw new Error(`the generator of the flood has ended with ${code}`);
    const told = JSON.parse(readFileSync(report, "utf8")) as FloodReport;
    this.#remember(told);
    return told;
  }

  /** Takes back what was taken. */
  async cancel(): Promise<void> {
    const { cluster, workload } = this.#session;
    const left = this.#taken.splice(0);
    const canceller = async (_: unknown, n: number) => {
      const rest = cluster.clients[n % cluster.clients.length];
      for (let job = left.pop(); job !== undefined; job = left.pop()) {
        const invokedMs = performance.now();
        const answer = await rest?.ask("DELETE", `/jobs/${job.id}`);
        if (answer?.status === 200) {
          workload.operations.push(done("cancel", job.name, invokedMs, performance.now()));
        } else {
          left.push(job);
          await sleep(RETRY_MS);
        }
      }
    };
    await Promise.all(Array.from({ length: CANCELLERS }, canceller));
  }

  #remember({ asked }: FloodReport): void {
    const { workload } = this.#session;
    for (const { name, sentMs, returnedMs, id } of asked) {
      const body = floodBody(this.#tenant, name);
      const end = { exitCode: 0, isContainer: true, isSteady: true, isCancelled: false, hasEnded: true };
      const submission = { name, body, id, ...end };
      workload.submissions.push(submission);
      if (id === undefined) continue;
      const [from, to] = [sentMs - performance.timeOrigin, returnedMs - performance.timeOrigin];
      workload.operations.push(done("submit", name, from, to));
      this.#taken.push(submission);
    }
  }
}

function done(request: "submit" | "cancel", job: string, invokedMs: number, returnedMs: number): Operation {
  return { client: -1, job, request, invokedMs, returnedMs, told: { kind: "done" } };
}
