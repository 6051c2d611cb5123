/** The REST API as a test asks it: answers as they are, and broken connections as no answer. */
import { setTimeout as sleep } from "node:timers/promises";

const ANSWER_WITHIN_MS = 20_000;
const STATE_WITHIN_MS = 120_000;
const POLL_MS = 50;
const PAGE = 1_000;

/** The fields of `GET /jobs/{id}` that tests look at. */
export interface JobStatus {
  readonly job_id: string;
  readonly name: string;
  readonly state: string;
  readonly phase: string;
  readonly message: string;
  readonly attempt: number;
  readonly exit_code: number | null;
  readonly node_name: string;
  readonly allocated_gpus: readonly string[];
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export class RestClient {
  readonly #url: string;

  /** @param url `http://127.0.0.1:8080` */
  constructor(url: string) {
    this.#url = url;
  }

  /** The answer; undefined when the connection broke, so that nobody knows what became of the request. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer | undefined> {
    const init: RequestInit = { method, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { "Content-Type": "application/json" };
    }
    try {
      const { status, headers, ...response } = await this.#fetch(path, init);
      return { status, headers, text: response.text };
    } catch {
      return undefined;
    }
  }

  /** The JSON of a good answer; throws for any other. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.text(method, path, body)) as T;
  }

  /** The text of a good answer; throws for any other. */
  async text(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await this.ask(method, path, body);
    if (answer && answer.status < 300) return answer.text;
    throw new Error(`${method} ${path}: ${answer ? `${answer.status} ${answer.text}` : "no answer"}`);
  }

  job(id: string): Promise<JobStatus> {
    return this.json("GET", `/jobs/${id}`);
  }

  async submit(job: Readonly<Record<string, unknown>>): Promise<string> {
    return (await this.json<{ job_id: string }>("POST", "/jobs", job)).job_id;
  }

  /** Every job, newest first. */
  async allJobs(): Promise<readonly { readonly id: string; readonly name: string }[]> {
    const jobs: { readonly id: string; readonly name: string }[] = [];
    for (;;) {
      const query = `/jobs?limit=${PAGE}&offset=${jobs.length}`;
      const page = await this.json<{ jobs: typeof jobs; total: number }>("GET", query);
      jobs.push(...page.jobs);
      if (jobs.length >= page.total || page.jobs.length === 0) return jobs;
    }
  }

  /** The job once it is as the condition says; throws with what it is instead if it does not get there. */
  async jobWhen(id: string, condition: (job: JobStatus) => boolean): Promise<JobStatus> {
    let job = await this.job(id);
    for (const giveUpAt = performance.now() + STATE_WITHIN_MS; !condition(job); job = await this.job(id)) {
      if (performance.now() > giveUpAt) throw new Error(`it did not get there: ${JSON.stringify(job)}`);
      await sleep(POLL_MS);
    }
    return job;
  }

  async #fetch(path: string, init: RequestInit): Promise<{ status: number; headers: Headers; text: string }> {
    const response = await fetch(`${this.#url}/api/v1${path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
}
