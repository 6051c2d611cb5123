import { present } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import type { JobId, NodeName } from "../../base/ids.ts";
import type { Input, Unstamped } from "../core/input.ts";
import { isHeld } from "../core/model/allocation.ts";
import type { Job } from "../core/model/job.ts";
import type { Settings, State } from "../core/model/state.ts";
import type { RowWrite } from "../core/output.ts";
import type { Answer } from "../core/step.ts";
import { Absences } from "./absences.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type Played, playJournal } from "./play-journal.ts";
import { HashChain } from "./hash-chain.ts";
import { type AttemptRun, RunTimes } from "./run-times.ts";
import type { NodeVersion, Submission, TenantVersion, Workload } from "./workload.ts";

/**
 * Takes the workload out of a journal, by running it again: ids and refusals are those that the core gave. Refused
 * submissions are left out.
 *
 * @throws JournalError if the file cannot be read to its end
 */
export async function workloadOf(path: string): Promise<Workload> {
  let gathering: Gathering | undefined;
  for await (const played of playJournal(path)) {
    if (played.kind === "loaded") gathering = new Gathering(played);
    else if (played.kind === "batch") gathering?.add(played);
  }
  if (!gathering) throw new RequestError("invalid", "the journal is empty");
  return gathering.workload();
}

/**
 * How long the job runs when nobody stops it, in milliseconds: what its first whole attempt took, else at least as long as
 * its longest one. Undefined if it never ran.
 */
export function trueRunTime({ attempts }: Submission): Pick<AttemptRun, "runMs" | "isWhole"> | undefined {
  return attempts.find(({ isWhole }) => isWhole) ?? attempts.toSorted((a, b) => b.runMs - a.runMs)[0];
}

type Asked = Omit<Submission, "attempts" | "cancelledAt" | "outcome" | "wasIdle">;

function isCancelled(job: Job): boolean {
  if (job.phase === "finished") return job.outcome.kind === "cancelled";
  return job.phase === "stopping" && job.verdict.kind === "cancelled";
}

function isStoppedIdle(job: Job): boolean {
  return job.phase === "finished" && job.outcome.kind === "failed" && job.outcome.idle !== undefined;
}

class Gathering {
  readonly #beginsAt: number;
  readonly #settings: Settings;
  readonly #state: State;
  readonly #times = new RunTimes();
  readonly #tenants: TenantVersion[] = [];
  readonly #nodes: NodeVersion[] = [];
  readonly #inventories = new Map<NodeName, string>();
  readonly #asked = new Map<JobId, Asked>();
  readonly #cancelledAt = new Map<JobId, number>();
  readonly #absences = new Absences();
  /** The newest row of each job, also once the state has forgotten it. */
  readonly #newest = new Map<JobId, Job>();
  readonly #chain: HashChain;
  #endsAt: number;
  #differsFromLine: number | undefined;

  constructor({ header, state, text }: Played & { kind: "loaded" }) {
    this.#chain = new HashChain(text);
    this.#beginsAt = header.at;
    this.#endsAt = header.at;
    this.#settings = header.settings;
    this.#state = state;
    for (const tenant of state.tenants.values()) this.#tenants.push({ at: header.at, tenant });
    for (const job of state.jobs.values()) if (job.phase !== "finished") this.#addEarlier(job, state);
  }

  #addEarlier(job: Job, state: State): void {
    this.#asked.set(job.id, {
      jobId: job.id,
      arrayId: job.array?.id,
      at: job.submittedAt,
      spec: state.spec(job.id),
      isEarlier: true,
    });
    this.#newest.set(job.id, job);
    this.#times.noteSize(job.id, job.attempt, job.allocations.length);
    this.#addCheckpoint(job);
    for (const { rank, state: rankState } of job.allocations) {
      const key = { jobId: job.id, attempt: job.attempt, rank };
      if (rankState.phase === "running") this.#times.noteStart(key, rankState.startedAt);
      if (job.phase === "stopping") this.#times.noteStop(key);
    }
  }

  add({ recorded, outcome, line }: Played & { kind: "batch" }): void {
    const { at, inputs, hash } = recorded;
    if (this.#differsFromLine === undefined && this.#chain.add({ at, inputs, outcome }) !== hash) {
      this.#differsFromLine = line;
    }
    this.#endsAt = Math.max(this.#endsAt, at);
    if ("failure" in outcome) return;
    for (const [index, input] of inputs.entries()) this.#addInput(input, outcome.answers[index], at);
    for (const effect of outcome.effects) if (effect.kind === "stop") this.#times.noteStop(effect.key);
    for (const write of outcome.writes) this.#addWrite(write, at);
    this.#absences.look(this.#state, inputs, at);
  }

  #addInput(input: Unstamped<Input>, answer: Answer, at: number): void {
    switch (input.kind) {
      case "submit-job": {
        if (!answer || !("jobId" in answer)) return;
        const members = "jobIds" in answer ? answer.jobIds : undefined;
        const arrayId = members && answer.jobId;
        for (const jobId of members ?? [answer.jobId]) {
          this.#asked.set(jobId, { jobId, arrayId, at, spec: input.spec, isEarlier: false });
        }
        return;
      }
      case "cancel-job":
        if (!(answer instanceof RequestError)) this.#addCancellation(input.jobId, at);
        return;
      case "allocation-report":
        this.#times.noteReport(input.report);
        return;
      case "node-hello":
        for (const report of input.allocations) this.#times.noteReport(report);
        return;
      default:
        // Says nothing of the workload, or is seen by the row that is written.
        return;
    }
  }

  /** Of a job, or of those of an array that had not ended. */
  #addCancellation(id: JobId, at: number): void {
    for (const jobId of this.#state.arrays.get(id) ?? [id]) {
      if (isCancelled(this.#state.job(jobId)) && !this.#cancelledAt.has(jobId)) this.#cancelledAt.set(jobId, at);
    }
  }

  #addWrite(write: RowWrite, at: number): void {
    if (write.table === "tenant") this.#tenants.push({ at, tenant: write.value });
    if (write.table === "node") {
      const { name: node, inventory } = write.value;
      const text = canonicalJson(inventory);
      if (this.#inventories.get(node) !== text) this.#nodes.push({ at, node, inventory });
      this.#inventories.set(node, text);
    }
    if (write.table === "job" && write.value) this.#newest.set(write.key, write.value);
    if (write.table === "job" && write.value?.allocations.some(isHeld)) {
      const { id, attempt, allocations } = write.value;
      this.#times.noteSize(id, attempt, allocations.length);
      this.#addCheckpoint(write.value);
    }
  }

  #addCheckpoint({ id, attempt, checkpointAt }: Job): void {
    if (checkpointAt !== undefined) this.#times.noteCheckpoint(id, attempt, checkpointAt);
  }

  workload(): Workload {
    const until = this.#endsAt;
    const submissions = [...this.#asked.values()].map((asked): Submission => {
      const job = present(this.#newest.get(asked.jobId), `job ${asked.jobId}`);
      const attempts = this.#times.attemptsOf(asked.jobId, job.attempt, until);
      const outcome = job.phase === "finished" ? job.outcome.kind : undefined;
      const cancelledAt = this.#cancelledAt.get(asked.jobId);
      return { ...asked, cancelledAt, outcome, wasIdle: isStoppedIdle(job), attempts };
    });
    return {
      beginsAt: this.#beginsAt,
      endsAt: until,
      settings: this.#settings,
      tenants: this.#tenants,
      nodes: this.#nodes,
      absences: this.#absences.all(),
      submissions: submissions.toSorted((a, b) => a.at - b.at),
      differsFromLine: this.#differsFromLine,
    };
  }
}
