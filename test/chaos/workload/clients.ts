/** Users: each asks one thing after another, at a bounded rate, and writes down what it was told before it goes on. */
import { setTimeout as sleep } from "node:timers/promises";
import { delay } from "../../../base/abort.ts";
import type { Answer, RestClient } from "../../support/rest-client.ts";
import type { Random } from "../../support/random.ts";
import type { Journal } from "./journal.ts";
import { inventJob, steadyJob, type Submission } from "./submission.ts";
import { type Operation, type Outcome, seenOf, type Told } from "./operation.ts";

const CLIENTS_PER_GATEWAY = 2;
/** Jobs that have not been seen to end, beyond which no more are submitted. */
const MAX_LIVE_JOBS = 150;
/** Of the newest jobs, those that are asked about. */
const NEWEST = 12;
const TENANT_WITHIN_MS = 60_000;
const COUNT_EVERY_MS = 2_000;
/** Of jobs that have not ended. */
export const LIVE_STATES = "pending,running,preempted";

export interface Tenant {
  readonly id: string;
  readonly maxGpus: number | undefined;
  readonly maxJobs: number | undefined;
}

export interface WorkloadOptions {
  readonly clients: readonly RestClient[];
  readonly journal: Journal;
  readonly random: Random;
  /** Where jobs note what they do. */
  readonly notes: string;
  /** Of all clients together. */
  readonly operationsPerSecond: number;
  /** GPUs of the largest node. */
  readonly gpusPerNode: number;
  /** Whether there are nodes that run containers. */
  readonly hasContainers: boolean;
}

export class Workload {
  readonly operations: Operation[] = [];
  readonly submissions: Submission[] = [];
  readonly tenants: Tenant[] = [];
  readonly #options: WorkloadOptions;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Makes the tenants; nothing has failed yet. */
  async prepare(): Promise<void> {
    await this.#createTenant("narrow", { max_gpus: 3 });
    await this.#createTenant("few", { max_concurrent_jobs: 4 });
    await this.#createTenant("free", {});
  }

  /** Asks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const users = this.#options.clients.flatMap((rest) => Array.from({ length: CLIENTS_PER_GATEWAY }, () => rest));
    const intervalMs = (users.length / this.#options.operationsPerSecond) * 1_000;
    const user = async (rest: RestClient, client: number) => {
      await delay((client * intervalMs) / users.length, signal);
      while (!signal.aborted) {
        const startedMs = performance.now();
        await this.#next(rest, client);
        await delay(Math.max(0, intervalMs - (performance.now() - startedMs)), signal);
      }
    };
    await Promise.all([...users.map(user), this.#countEnded(signal)]);
  }

  /** Looks now and then which jobs have ended: so many more may be submitted. */
  async #countEnded(signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await delay(COUNT_EVERY_MS, signal)) {
      const known = this.submissions.filter(({ id, hasEnded }) => id !== undefined && !hasEnded);
      const answer = await this.#options.clients[0]?.ask("GET", `/jobs?state=${LIVE_STATES}&limit=1000`);
      if (answer?.status !== 200) continue;
      const { jobs } = JSON.parse(answer.text) as { jobs: { id: string }[] };
      const live = new Set(jobs.map(({ id }) => id));
      for (const job of known) if (job.id !== undefined && !live.has(job.id)) job.hasEnded = true;
    }
  }

  /** A little of everything, mostly about new jobs. */
  async #next(rest: RestClient, client: number): Promise<void> {
    const { random } = this.#options;
    const job = random.pick(this.submissions.filter(({ isSteady }) => !isSteady).slice(-NEWEST));
    const dice = random.next();
    const live = this.submissions.filter(({ hasEnded }) => !hasEnded).length;
    if (!job || (dice < 0.45 && live < MAX_LIVE_JOBS)) await this.#submit(rest, client);
    else if (dice < 0.55 && job.id) await this.#cancel(rest, client, job);
    else if (dice < 0.85 && job.id) await this.#read(rest, client, job, `/jobs/${job.id}`);
    else await this.#read(rest, client, job, `/jobs?name=${job.name}`);
  }

  /** Jobs that go on until they are cancelled, with all of a node's GPUs divided among them; throws unless all are acknowledged. */
  async addSteady(
    count: number,
    given: { readonly isContainer?: boolean; readonly gpus?: number },
  ): Promise<Submission[]> {
    const [rest] = this.#options.clients;
    const tenant = this.tenants.find(({ maxGpus, maxJobs }) => maxGpus === undefined && maxJobs === undefined)?.id;
    const jobs: Submission[] = [];
    for (let n = 0; rest && n < count; n += 1) {
      const name = `steady-${this.submissions.length + 1}`;
      const job = steadyJob({ ...this.#options, ...given, name, tenant });
      await this.#submit(rest, 0, job);
      if (job.id === undefined) throw new Error(`${name} was not acknowledged`);
      jobs.push(job);
    }
    return jobs;
  }

  /** Ends steady jobs. */
  async cancel(jobs: readonly Submission[]): Promise<void> {
    const [rest] = this.#options.clients;
    if (rest) for (const job of jobs) await this.#cancel(rest, 0, job);
  }

  async #submit(rest: RestClient, client: number, submission = this.#invent()): Promise<void> {
    this.submissions.push(submission);
    await this.#tell(client, submission, "submit", async () => {
      const answer = await rest.ask("POST", "/jobs", submission.body);
      if (answer?.status !== 201) return refusedOrUnknown(answer);
      submission.id = (JSON.parse(answer.text) as { job_id: string }).job_id;
      return { kind: "done" };
    });
  }

  async #cancel(rest: RestClient, client: number, job: Submission): Promise<void> {
    await this.#tell(client, job, "cancel", async () => {
      const answer = await rest.ask("DELETE", `/jobs/${job.id}`);
      if (answer?.status === 404) return { kind: "absent" };
      if (answer?.status === 409) return { kind: "ended", outcome: outcomeIn(answer.text) };
      if (answer?.status !== 200) return refusedOrUnknown(answer);
      job.isCancelled = true;
      return { kind: "done" };
    });
  }

  async #read(rest: RestClient, client: number, job: Submission, path: string): Promise<void> {
    await this.#tell(client, job, "read", async () => {
      const answer = await rest.ask("GET", path);
      if (answer?.status === 404) return { kind: "absent" };
      if (answer?.status !== 200) return refusedOrUnknown(answer);
      const found = JSON.parse(answer.text) as { state: string; jobs?: { state: string }[] };
      const one = found.jobs ? found.jobs[0] : found;
      if (!one) return { kind: "absent" };
      return { kind: "seen", seen: seenOf(one) };
    });
  }

  /** Does it, with a line in the journal before and after. */
  async #tell(
    client: number,
    { name }: Submission,
    request: Operation["request"],
    ask: () => Promise<Told>,
  ): Promise<void> {
    const { journal } = this.#options;
    const invokedMs = performance.now();
    journal.append({ invoked: request, client, job: name, invokedMs });
    const told = await ask();
    const returnedMs = told.kind === "unknown" ? undefined : performance.now();
    const operation = { client, job: name, request, invokedMs, returnedMs, told };
    journal.append(operation);
    this.operations.push(operation);
  }

  #invent(): Submission {
    const tenant = this.#options.random.pick(this.tenants);
    // One after the other, long jobs would take longer than all else has to come to rest.
    const mayBeLong = tenant?.maxGpus === undefined && tenant?.maxJobs === undefined;
    const name = `chaos-${this.submissions.length + 1}`;
    return inventJob({ ...this.#options, name, tenant: tenant?.id, mayBeLong });
  }

  async #createTenant(name: string, limits: { max_gpus?: number; max_concurrent_jobs?: number }): Promise<void> {
    const [rest] = this.#options.clients;
    for (const until = performance.now() + TENANT_WITHIN_MS; ; await sleep(100)) {
      const answer = await rest?.ask("POST", "/tenants", { name, ...limits });
      if (answer?.status === 201) {
        const { id } = JSON.parse(answer.text) as { id: string };
        this.tenants.push({ id, maxGpus: limits.max_gpus, maxJobs: limits.max_concurrent_jobs });
        return;
      }
      if (performance.now() > until) throw new Error(`cannot create a tenant: ${answer?.text ?? "no answer"}`);
    }
  }
}

/** What is refused for the request's own sake has certainly not happened; of anything else nobody knows. */
function refusedOrUnknown(answer: Answer | undefined): Told {
  return { kind: answer && answer.status < 500 ? "refused" : "unknown" };
}

function outcomeIn(text: string): Outcome {
  return text.includes("already failed") ? "failed" : "completed";
}
