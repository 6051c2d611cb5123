import { delay } from "../../base/abort.ts";
import { messageOf, RequestError } from "../../base/errors.ts";
import type { JobId } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { Job, JobSpec } from "../core/model/job.ts";
import type { State } from "../core/model/state.ts";
import { duePastJobs, jobsOf, type Retention } from "../core/retention.ts";
import type { Loop } from "../loop/loop.ts";
import { appendDurably, archivePath } from "./archive-file.ts";
import { archiveLine } from "./archive-line.ts";

const EVERY_MS = 10_000;
const AFTER_FAILURE_MS = 60_000;
/** Jobs that go at once, arrays being whole: bounds the size of a commit. */
const JOBS_AT_ONCE = 500;

export interface ArchiveOptions extends Retention {
  /** Where the files are. */
  readonly directory: string;
}

export interface ArchivistOptions extends ArchiveOptions {
  readonly loop: Loop;
  readonly log: Logger;
  readonly everyMs?: number;
}

/** Jobs and arrays whose time has come, and what is put down of them. */
interface Due {
  readonly ids: readonly JobId[];
  readonly jobs: readonly { readonly job: Job; readonly spec: JobSpec }[];
  readonly at: number;
}

/**
 * Moves what is over for long enough from the store into the archive. It is put down durably first and then forgotten: a crash in
 * between repeats lines and loses none. An archive that cannot be written holds up nothing: jobs then stay.
 */
export class Archivist implements Service {
  readonly #options: ArchivistOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ArchivistOptions) {
    this.#options = options;
    this.#running = this.#run(options.everyMs ?? EVERY_MS);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(everyMs: number): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const isWell = await this.#archiveAll();
      await delay(isWell ? everyMs : AFTER_FAILURE_MS, signal);
    }
  }

  /** False when it has to be tried again later. */
  async #archiveAll(): Promise<boolean> {
    const { loop, log } = this.#options;
    try {
      while (!this.#closing.signal.aborted) {
        const due = await loop.read((state, at) => this.#due(state, at));
        if (due.ids.length === 0) break;
        // They would stay where they are, and be in the file once more with every try.
        if (loop.standstill !== undefined) return false;
        const path = archivePath(this.#options.directory, due.at);
        await appendDurably(path, linesOf(due));
        const { jobs } = await loop.submit({ kind: "forget-jobs", ids: due.ids });
        log.info({ jobs, path }, "jobs archived");
      }
      return true;
    } catch (error) {
      // Once the term is over there is nothing more to do here.
      if (error instanceof RequestError && error.code === "unavailable") this.#closing.abort();
      else log.error({ error: messageOf(error) }, "jobs cannot be archived: they stay for now");
      return false;
    }
  }

  #due(state: State, at: number): Due {
    const ids = duePastJobs(state, this.#options, JOBS_AT_ONCE, at);
    const jobs = ids.flatMap((id) => jobsOf(state, id).map((job) => ({ job, spec: state.spec(job.id) })));
    return { ids, jobs, at };
  }
}

function* linesOf({ jobs, at }: Due): Generator {
  for (const { job, spec } of jobs) yield archiveLine(job, spec, at);
}
