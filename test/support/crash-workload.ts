/** Clients that go on whatever happens to the program, jobs that write down themselves what they did, and the comparison of both. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Random } from "./random.ts";
import { type JobStatus, RestClient } from "./rest-client.ts";

/** Notes each start and end with one write, and holds the lock of each of its GPUs for as long as anything of it runs. */
const SCRIPT = `
note() { echo "$1 $JOB_NAME $GPUSCHED_ATTEMPT $CUDA_VISIBLE_DEVICES" >> "$CRASH_DIR/journal"; }
note start
fd=3
for gpu in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do
  eval "exec $fd> '$CRASH_DIR/$gpu.lock'"
  flock --nonblock --conflict-exit-code 99 $fd
  [ $? = 99 ] && echo "$gpu $JOB_NAME" >> "$CRASH_DIR/overlaps"
  fd=$((fd + 1))
done
echo "output of $JOB_NAME"
sleep "$RUN_SECONDS"
note end
exit "$EXIT_CODE"
`;

/** File descriptors of one digit are all that sh has, and three are taken. */
export const MAX_GPUS = 6;
const CLIENTS = 3;
const LONGEST_RUN_SECONDS = 1.5;

interface Submission {
  readonly body: Readonly<Record<string, unknown>>;
  readonly exitCode: number;
  /** Once it is acknowledged. */
  id: string | undefined;
  cancel: "no" | "asked" | "acknowledged";
  /** It was cancelled before it had a place. */
  mustNotStart: boolean;
}

interface Note {
  readonly what: string;
  readonly attempt: number;
  readonly gpus: readonly string[];
}

export class CrashWorkload {
  readonly #directory: string;
  readonly #random: Random;
  readonly #submissions = new Map<string, Submission>();

  /** @param directory an empty one, for the jobs to write to */
  constructor(directory: string, random: Random) {
    this.#directory = directory;
    this.#random = random;
  }

  get counts(): { submitted: number; acknowledged: number; cancelled: number } {
    const all = [...this.#submissions.values()];
    return {
      submitted: all.length,
      acknowledged: all.filter(({ id }) => id !== undefined).length,
      cancelled: all.filter(({ cancel }) => cancel === "acknowledged").length,
    };
  }

  /** Submits and cancels, a few clients at once, until nobody answers or so many jobs are submitted. */
  async run(url: string, jobs: number): Promise<void> {
    const rest = new RestClient(url);
    let left = jobs;
    const client = async () => {
      while (left-- > 0) {
        const isAnswered = this.#random.next() < 0.75 ? await this.#submit(rest) : await this.#cancelOne(rest);
        if (!isAnswered) return;
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  /** Submits so many at once, and tells of each acknowledgement in the moment it comes. */
  async burst(url: string, jobs: number, onAcknowledged: () => void = () => {}): Promise<void> {
    const rest = new RestClient(url);
    const submit = async () => {
      if (await this.#submit(rest)) onAcknowledged();
    };
    await Promise.all(Array.from({ length: jobs }, submit));
  }

  /** Every acknowledged job is there as it was submitted, and nothing is there twice or that nobody asked for. */
  async expectNothingLost(rest: RestClient): Promise<void> {
    const jobs = await rest.allJobs();
    expect(new Set(jobs.map(({ name }) => name)).size, "a job is there twice").toBe(jobs.length);
    const ids = new Map(jobs.map(({ id, name }) => [name, id]));
    for (const name of ids.keys()) expect(this.#submissions.has(name), `${name} was never submitted`).toBe(true);
    for (const [name, { id }] of this.#submissions) if (id) expect(ids.get(name), `${name} is lost`).toBe(id);
  }

  /** Waits until every job has ended, then compares what is told of each with what it did. */
  async expectTrueEnds(rest: RestClient): Promise<void> {
    await this.expectNothingLost(rest);
    const notes = this.#notes();
    for (const { id, name } of await rest.allJobs()) {
      const job = await rest.jobWhen(id, ({ phase }) => phase === "finished");
      const submission = this.#submissions.get(name) ?? expect.unreachable();
      expect(job.spec).toEqual(submission.body);
      if (job.state === "cancelled") this.#expectCancelled(job, submission, notes().get(name) ?? []);
      else await this.#expectRanOnce(rest, job, submission, notes().get(name) ?? []);
    }
    expect(this.#read("overlaps"), "a GPU was given to two jobs at once").toBe("");
  }

  #expectCancelled(job: JobStatus, submission: Submission, notes: readonly Note[]): void {
    const starts = notes.filter(({ what }) => what === "start").length;
    expect(submission.cancel, `${job.name} was cancelled by nobody`).not.toBe("no");
    expect(starts, `${job.name} started ${starts} times`).toBeLessThanOrEqual(submission.mustNotStart ? 0 : 1);
  }

  async #expectRanOnce(
    rest: RestClient,
    job: JobStatus,
    { exitCode, cancel }: Submission,
    notes: readonly Note[],
  ): Promise<void> {
    const gpus = job.allocated_gpus;
    expect(cancel, `${job.name} was to be cancelled`).not.toBe("acknowledged");
    expect(notes, `what ${job.name} did: ${JSON.stringify(job)}`).toEqual([
      { what: "start", attempt: 1, gpus },
      { what: "end", attempt: 1, gpus },
    ]);
    expect(job).toMatchObject({ state: exitCode === 0 ? "completed" : "failed", exit_code: exitCode, attempt: 1 });
    expect(gpus).toHaveLength(Number(job.spec["gpu_count"]));
    expect(await rest.text("GET", `/jobs/${job.job_id}/logs`)).toBe(`output of ${job.name}\n`);
  }

  /** False when there was no answer. */
  async #submit(rest: RestClient): Promise<boolean> {
    const random = this.#random;
    const name = `crash-${this.#submissions.size + 1}`;
    const exitCode = random.next() < 0.5 ? 0 : random.between(1, 125);
    const environment = {
      JOB_NAME: name,
      CRASH_DIR: this.#directory,
      RUN_SECONDS: (random.next() * LONGEST_RUN_SECONDS).toFixed(2),
      EXIT_CODE: String(exitCode),
    };
    const gpu_count = random.pick([0, 1, 1, 1, 2, 3, MAX_GPUS]) ?? 0;
    const body = { tenant_id: "tenant-123", name, gpu_count, cpu_cores: 1, script: SCRIPT, environment };
    const submission: Submission = { body, exitCode, id: undefined, cancel: "no", mustNotStart: false };
    this.#submissions.set(name, submission);
    const answer = await rest.ask("POST", "/jobs", body);
    if (!answer || answer.status === 503) return false;
    expect(answer).toMatchObject({ status: 201 });
    submission.id = (JSON.parse(answer.text) as { job_id: string }).job_id;
    return true;
  }

  /** False when there was no answer. */
  async #cancelOne(rest: RestClient): Promise<boolean> {
    const candidates = [...this.#submissions.values()].filter(({ id, cancel }) => id && cancel === "no");
    // Mostly a new one: most of the others have ended.
    const submission = this.#random.pick(candidates.slice(-10));
    if (!submission) return true;
    submission.cancel = "asked";
    const answer = await rest.ask("DELETE", `/jobs/${submission.id}`);
    if (!answer || answer.status === 503) return false;
    if (answer.status === 409) submission.cancel = "no";
    else {
      expect(answer).toMatchObject({ status: 200 });
      submission.cancel = "acknowledged";
      const after = await rest.ask("GET", `/jobs/${submission.id}`);
      if (after?.status !== 200) return false;
      const { phase, attempt } = JSON.parse(after.text) as JobStatus;
      submission.mustNotStart = phase === "finished" && attempt === 0;
    }
    return true;
  }

  /** What the jobs have written so far, by name; read anew at each call. */
  #notes(): () => Map<string, Note[]> {
    return () => {
      const lines = this.#read("journal").split("\n").filter(Boolean);
      const notes = lines.map((line) => {
        const [what = "", name = "", attempt, gpus = ""] = line.split(" ");
        return { name, note: { what, attempt: Number(attempt), gpus: gpus.split(",").filter(Boolean) } };
      });
      return new Map(
        [...Map.groupBy(notes, ({ name }) => name)].map(([name, all]) => [name, all.map(({ note }) => note)]),
      );
    };
  }

  #read(file: string): string {
    try {
      return readFileSync(join(this.#directory, file), "utf8");
    } catch {
      // Nobody has written to it yet.
      return "";
    }
  }
}
