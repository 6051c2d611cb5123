import { InvariantError, present } from "../../../base/assert.ts";
import type { JobId, TenantId } from "../../../base/ids.ts";
import { type JobIn, type RuntimePlan, since } from "./job.ts";
import type { Kind } from "./kind.ts";

type QueuedJob = JobIn<"queued">;

/** What all jobs of a group have in common: everything that decides their turn but the time of waiting, and where they fit. */
export interface GroupFacts {
  readonly tenantId: TenantId;
  readonly effectivePriority: number;
  readonly priority: number;
  readonly kind: Kind;
  readonly limitMinutes: number | undefined;
  /** Names the history by which their running time is predicted. */
  readonly historyKey: string;
  /** Whether room is kept for them already: such a job stands for none of those that have no room yet. */
  readonly isClaimed: boolean;
}

/** What was found out when a group's first job last wanted others to make room for it. Times in ms since the epoch. */
export interface PreemptionTrial {
  /** Of the cluster and its tenants as they were. */
  stamp: string;
  /** When the answer may be another though nothing has changed. */
  nextAt: number;
  /** Not tried again before, whatever has changed. */
  restsUntil: number;
  /** In vain, in a row. */
  failures: number;
  /** When the job is looked at again anyway, and which job it is. */
  armedAt: number;
  armedFor: JobId | undefined;
}

/** Waiting jobs that differ only in how long they have waited: the first one stands for all. */
export class QueueGroup {
  readonly facts: GroupFacts;
  readonly key: string;
  /** The state's growth at which the first job was last refused: until room grows, so will be all others. */
  refusedAt = -1;
  trial: PreemptionTrial | undefined;
  /** How long its jobs are expected to run, by the history of so many runs. */
  plan: { readonly runs: number; readonly runtime: RuntimePlan } | undefined;
  readonly #jobs: QueuedJob[] = [];
  /** Jobs before it have left: moving the others up at each departure would cost too much. */
  #start = 0;

  constructor(facts: GroupFacts, key: string) {
    this.facts = facts;
    this.key = key;
  }

  get size(): number {
    return this.#jobs.length - this.#start;
  }

  /** Who has waited longest. */
  get first(): QueuedJob | undefined {
    return this.#jobs[this.#start];
  }

  /** The job that so many of the group have waited longer than. */
  at(index: number): QueuedJob | undefined {
    return this.#jobs[this.#start + index];
  }

  /** In order of waiting. */
  *[Symbol.iterator](): Generator<QueuedJob> {
    for (let index = this.#start; index < this.#jobs.length; index += 1) yield present(this.#jobs[index], "queued job");
  }

  add(job: QueuedJob): void {
    const last = this.#jobs.at(-1);
    if (!last || compareWaiting(last, job) < 0) this.#jobs.push(job);
    else this.#jobs.splice(this.indexOf(job) + this.#start, 0, job);
  }

  remove(job: QueuedJob): void {
    const index = this.first?.id === job.id ? this.#start : this.indexOf(job) + this.#start;
    if (this.#jobs[index]?.id !== job.id) throw new InvariantError(`job ${job.id} is not in its group`);
    if (index > this.#start) {
      this.#jobs.splice(index, 1);
      return;
    }
    this.#start += 1;
    if (this.#start < 64 || this.#start * 2 < this.#jobs.length) return;
    this.#jobs.splice(0, this.#start);
    this.#start = 0;
  }

  /** How many of the group have waited longer than the job. */
  indexOf(job: QueuedJob): number {
    let low = this.#start;
    let high = this.#jobs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareWaiting(present(this.#jobs[middle], "queued job"), job) < 0) low = middle + 1;
      else high = middle;
    }
    return low - this.#start;
  }
}

/**
 * The waiting jobs, in groups. Adding and taking the first of a group cost the same however many wait; a walk in order
 * merges the groups by the turn of the first job of each.
 */
export class JobQueue {
  readonly #groups = new Map<string, QueueGroup>();
  /** Groups that got a job since they were last asked for. */
  #fresh = new Set<QueueGroup>();
  size = 0;

  /** Walked one by one while groups come and go, it tells those that came as well. */
  get groups(): MapIterator<QueueGroup> {
    return this.#groups.values();
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** The groups that got a job since this was last called. */
  takeFresh(): Iterable<QueueGroup> {
    const fresh = this.#fresh;
    this.#fresh = new Set();
    return fresh;
  }

  add(job: QueuedJob, facts: GroupFacts): QueueGroup {
    const group = this.#groupFor(facts);
    group.add(job);
    this.#fresh.add(group);
    this.size += 1;
    return group;
  }

  /** A job that has come before belongs to other ones now: it is as refused as it was. */
  move(job: QueuedJob, from: QueueGroup, facts: GroupFacts): QueueGroup {
    const to = this.#groupFor(facts);
    to.refusedAt = to.size === 0 ? from.refusedAt : Math.min(from.refusedAt, to.refusedAt);
    if (to.size === 0 && from.trial) to.trial = { ...from.trial };
    if (this.#fresh.has(from)) this.#fresh.add(to);
    to.add(job);
    this.size += 1;
    this.remove(job, from);
    return to;
  }

  #groupFor(facts: GroupFacts): QueueGroup {
    const key = keyOf(facts);
    const known = this.#groups.get(key);
    if (known) return known;
    const group = new QueueGroup(facts, key);
    this.#groups.set(key, group);
    return group;
  }

  remove(job: QueuedJob, group: QueueGroup): void {
    group.remove(job);
    this.size -= 1;
    if (group.size > 0) return;
    this.#groups.delete(group.key);
    this.#fresh.delete(group);
  }
}

function keyOf(facts: GroupFacts): string {
  const { tenantId, effectivePriority, priority, kind, limitMinutes, historyKey, isClaimed } = facts;
  const numbers = `${tenantId} ${effectivePriority} ${priority} ${limitMinutes ?? ""} ${isClaimed ? "claimed" : ""}`;
  return `${numbers} ${kind.shape} ${historyKey}`;
}

/** Who has waited longer; by id among those who came together. */
export function compareWaiting(a: QueuedJob, b: QueuedJob): number {
  const byTime = since(a) - since(b);
  if (byTime !== 0) return byTime;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
