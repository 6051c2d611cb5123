import { type JobIn, since, WHOLE_DEVICE } from "../model/job.ts";
import { Heap } from "../model/heap.ts";
import type { QueueGroup } from "../model/job-queue.ts";
import type { State } from "../model/state.ts";

/** What decides whose turn it is, in this order; lower is earlier. */
export interface Turn {
  readonly job: JobIn<"queued">;
  readonly group: QueueGroup;
  /** Effective priority with what waiting has added, negated. */
  readonly agedPriority: number;
  /** What its tenant has used, against its weight; 0 where that no longer counts. */
  readonly tenantUse: number;
  /** Expected GPU-milliseconds; 0 where the policy does not ask. */
  readonly size: number;
  /** As asked, negated. */
  readonly priority: number;
  readonly since: number;
}

/**
 * Whose turn it is at the time, given that the job is of the group.
 *
 * @param passes whether a job of its pool is blocked, so that it can only pass it
 */
export function turnOf(state: State, job: JobIn<"queued">, group: QueueGroup, at: number, passes = false): Turn {
  const { aging, order } = state.settings.policy;
  const isStrict = goesByTime(state, job, at);
  const steps = waitedMs(job, at) / aging.stepMs;
  const aged = (isStrict ? steps : Math.floor(steps)) * aging.points;
  return {
    job,
    group,
    agedPriority: -(job.effectivePriority + aged),
    tenantUse: useOf(state, job, at),
    size: !isStrict && (order === "shortest" || passes) ? sizeOf(state, group) : 0,
    priority: -job.priority,
    since: since(job),
  };
}

/** Negative when `a` comes before `b`. */
export function compareTurns(a: Turn, b: Turn): number {
  return (
    a.agedPriority - b.agedPriority ||
    a.tenantUse - b.tenantUse ||
    a.size - b.size ||
    a.priority - b.priority ||
    a.since - b.since ||
    (a.job.id < b.job.id ? -1 : Number(a.job.id > b.job.id))
  );
}

/** Whether it has waited for so long that nothing but its priority and that waiting decide its turn: {@link Aging}. */
function goesByTime(state: State, job: JobIn<"queued">, at: number): boolean {
  return waitedMs(job, at) >= state.settings.policy.aging.strictAfterMs;
}

function waitedMs(job: JobIn<"queued">, at: number): number {
  return Math.max(0, at - since(job));
}

function useOf(state: State, job: JobIn<"queued">, at: number): number {
  if (state.settings.policy.fairShareHalfLifeMs === 0 || goesByTime(state, job, at)) return 0;
  return state.use.weighed(job.tenantId) / (state.tenant(job.tenantId).fairShareWeight ?? 1);
}

function sizeOf(state: State, group: QueueGroup): number {
  const { demand } = group.facts.kind;
  return (state.planOf(group).ms * Math.max(demand.gpus, 1) * demand.milli) / WHOLE_DEVICE;
}

/**
 * Walks groups in the order of the turns of their first jobs. What a start changes for others of its tenant only ever puts
 * them back, so that a turn is looked at anew when it comes up.
 */
export class TurnOrder {
  readonly #state: State;
  readonly #at: number;
  #heap: Heap<Turn>;
  /** Pools in which a job is blocked. */
  readonly #blocked = new Set<string>();

  constructor(state: State, groups: Iterable<QueueGroup>, at: number) {
    this.#state = state;
    this.#at = at;
    this.#heap = this.#heapOf(groups);
  }

  #heapOf(groups: Iterable<QueueGroup>): Heap<Turn> {
    const turns: Turn[] = [];
    for (const group of groups) if (group.first) turns.push(this.#turnOf(group.first, group));
    return new Heap(compareTurns, turns);
  }

  /** Has the group's first job considered in its turn, or the one that so many of the group have waited longer than. */
  add(group: QueueGroup, index = 0): void {
    const job = group.at(index);
    if (job) this.#heap.add(this.#turnOf(job, group));
  }

  /**
   * From now on the jobs of this pool can only pass a blocked one: the policy may want the shortest to do so first.
   *
   * @param isIdle whose turn would bring nothing, whenever it comes: such groups leave the order
   */
  block(pool: string, isIdle: (turn: Turn) => boolean): void {
    if (this.#blocked.has(pool)) return;
    this.#blocked.add(pool);
    const left: QueueGroup[] = [];
    for (const turn of this.#heap) if (!isIdle(turn)) left.push(turn.group);
    this.#heap = this.#heapOf(left);
  }

  #turnOf(job: JobIn<"queued">, group: QueueGroup): Turn {
    const passes = this.#state.settings.policy.backfillOrder !== "queue" && this.#blocked.has(group.facts.kind.pool);
    return turnOf(this.#state, job, group, this.#at, passes);
  }

  /** Whose turn it is now: its group leaves the order, unless it is added again. */
  next(): Turn | undefined {
    for (;;) {
      const turn = this.#heap.take();
      if (!turn) return undefined;
      // Nothing else of it changes within a pass.
      if (useOf(this.#state, turn.job, this.#at) === turn.tenantUse) return turn;
      this.#heap.add(this.#turnOf(turn.job, turn.group));
    }
  }
}

/** The waiting jobs in their order at the time. Linear in their number, times the logarithm of that of their groups. */
export function* jobsInOrder(state: State, at: number): Generator<JobIn<"queued">> {
  const heads = new Heap<{ turn: Turn; rest: Generator<JobIn<"queued">> }>((a, b) => compareTurns(a.turn, b.turn));
  const add = (group: QueueGroup, rest: Generator<JobIn<"queued">>): void => {
    const { value: job } = rest.next();
    if (job) heads.add({ turn: turnOf(state, job, group, at), rest });
  };
  for (const group of state.queue.groups) add(group, group[Symbol.iterator]());
  for (let head = heads.take(); head; head = heads.take()) {
    yield head.turn.job;
    add(head.turn.group, head.rest);
  }
}

/** 1 for the next job to be considered; 0 for a job that is not queued. */
export function queuePosition(state: State, job: JobIn<"queued">, at: number): number {
  const own = turnOf(state, job, state.groupOf(job), at);
  let before = 0;
  for (const group of state.queue.groups) before += countBefore(state, group, own, at);
  return before + 1;
}

function countBefore(state: State, group: QueueGroup, own: Turn, at: number): number {
  let low = 0;
  let high = group.size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = group.at(middle);
    if (other && compareTurns(turnOf(state, other, group, at), own) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
