import { assert, present } from "../../../base/assert.ts";
import { asJobId, asTenantId, type JobId, type NodeName, type TenantId } from "../../../base/ids.ts";
import { compareQueued } from "../schedule/order.ts";
import { DeadlineQueue } from "./deadlines.ts";
import { type Allocation, isHeld, type Job, type JobSpec, type JobState, stateOf } from "./job.ts";
import type { Node } from "./node.ts";
import { noUsage, type Tenant, type Usage } from "./tenant.ts";

/** What an operator set for the whole cluster. Durations in milliseconds. */
export interface Settings {
  /** Silence after which a node gets no new work. */
  readonly nodeUnreachableAfterMs: number;
  /** Silence after which a node's jobs are given up. */
  readonly nodeLostAfterMs: number;
}

/**
 * Everything the core knows: the rows, and what is derived from them. Jobs are changed by {@link State.putJob} alone,
 * which keeps every derived number in step.
 */
export class State {
  readonly settings: Settings;
  readonly jobs = new Map<JobId, Job>();
  readonly specs = new Map<JobId, JobSpec>();
  readonly tenants = new Map<TenantId, Tenant>();
  readonly nodes = new Map<NodeName, Node>();

  /** Waiting jobs in the order in which they are considered. */
  readonly queue: Job[] = [];
  readonly usage = new Map<TenantId, Usage>();
  readonly jobsInState: Record<JobState, number> = {
    pending: 0,
    running: 0,
    completed: 0,
    failed: 0,
    preempted: 0,
    cancelled: 0,
  };
  /** Times at which something has to be looked at again. */
  readonly deadlines = new DeadlineQueue();
  /** What a rank is doing while it starts ("pulling image: 43%"), by job: never stored. */
  readonly progress = new Map<JobId, string>();
  /** Whether anything changed since the last scheduling pass that could let a job start. */
  needsPass = true;
  #lastIdMs = 0;
  #idsThisMs = 0;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  job(id: JobId): Job {
    return present(this.jobs.get(id), `job ${id}`);
  }

  spec(id: JobId): JobSpec {
    return present(this.specs.get(id), `spec of ${id}`);
  }

  tenant(id: TenantId): Tenant {
    return present(this.tenants.get(id), `tenant ${id}`);
  }

  usageOf(id: TenantId): Usage {
    let usage = this.usage.get(id);
    if (!usage) {
      usage = noUsage();
      this.usage.set(id, usage);
    }
    return usage;
  }

  /** Sets the job's row, and takes what it held and waited for out of the derived numbers and puts in the new. */
  putJob(job: Job): void {
    const before = this.jobs.get(job.id);
    if (before) this.#count(before, -1);
    this.jobs.set(job.id, job);
    this.#count(job, 1);
    if (job.phase !== "starting") this.progress.delete(job.id);
    if (!before || job.phase !== before.phase || job.allocations !== before.allocations) this.needsPass = true;
  }

  #count(job: Job, sign: 1 | -1): void {
    this.jobsInState[stateOf(job)] += sign;
    const usage = this.usageOf(job.tenantId);
    if (job.phase === "queued") {
      if (sign === 1) insertSorted(this.queue, job);
      else removeSorted(this.queue, job);
    }
    if (job.phase === "queued" || job.phase === "held") usage.queuedJobs += sign;
    if (job.phase === "finished") return;
    let holds = false;
    for (const allocation of job.allocations) {
      if (!isHeld(allocation)) continue;
      holds = true;
      this.#hold(job, allocation, usage, sign);
    }
    if (holds) usage.jobs += sign;
  }

  #hold(job: Job, allocation: Allocation, usage: Usage, sign: 1 | -1): void {
    usage.gpus += sign * allocation.devices.length;
    usage.gpuMemoryMb += sign * allocation.gpuMemoryMb;
    usage.cpuCores += sign * allocation.cpuCores;
    usage.memoryMb += sign * allocation.memoryMb;
    const node = present(this.nodes.get(allocation.node), `node ${allocation.node} of ${job.id}`);
    node.cpuCoresUsed += sign * allocation.cpuCores;
    node.memoryMbUsed += sign * allocation.memoryMb;
    if (sign === 1) node.jobs.add(job.id);
    else node.jobs.delete(job.id);
    for (const device of allocation.devices) {
      if (sign === -1) node.held.delete(device);
      else {
        assert(!node.held.has(device), `device ${device} of ${allocation.node} is given to ${job.id} while it is held`);
        node.held.set(device, { jobId: job.id, attempt: job.attempt });
      }
    }
  }

  /** 1 for the next job to be considered; 0 for a job that is not queued. */
  queuePosition(job: Job): number {
    return job.phase === "queued" ? lowerBound(this.queue, job) + 1 : 0;
  }

  newJobId(at: number): JobId {
    return asJobId(`job-${this.#newDigits(at)}`);
  }

  newTenantId(at: number): TenantId {
    return asTenantId(`tenant-${this.#newDigits(at)}`);
  }

  /** 19 digits that only grow: milliseconds, and a count within them. A clock that goes back does not repeat them. */
  #newDigits(at: number): string {
    if (at > this.#lastIdMs) {
      this.#lastIdMs = Math.floor(at);
      this.#idsThisMs = 0;
    } else if (++this.#idsThisMs > 999_999) {
      this.#lastIdMs += 1;
      this.#idsThisMs = 0;
    }
    return `${String(this.#lastIdMs).padStart(13, "0")}${String(this.#idsThisMs).padStart(6, "0")}`;
  }

  /** Makes sure that no id at or below this one is given out: called for every id that was loaded. */
  noteId(id: JobId | TenantId): void {
    const digits = id.slice(id.indexOf("-") + 1);
    if (digits.length !== 19) return;
    const ms = Number(digits.slice(0, 13));
    const count = Number(digits.slice(13));
    if (ms > this.#lastIdMs || (ms === this.#lastIdMs && count > this.#idsThisMs)) {
      this.#lastIdMs = ms;
      this.#idsThisMs = count;
    }
  }
}

function lowerBound(queue: readonly Job[], job: Job): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareQueued(present(queue[middle], "queued job"), job) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertSorted(queue: Job[], job: Job): void {
  queue.splice(lowerBound(queue, job), 0, job);
}

function removeSorted(queue: Job[], job: Job): void {
  const index = lowerBound(queue, job);
  assert(queue[index]?.id === job.id, `job ${job.id} is not in the queue`);
  queue.splice(index, 1);
}
