import { InvariantError, present } from "../../../base/assert.ts";
import type { DeviceId, JobId, NodeName, TenantId } from "../../../base/ids.ts";
import { newSchedulingMemory, type SchedulingMemory } from "../schedule/memory.ts";
import { Claims } from "./claims.ts";
import { Cluster } from "./cluster.ts";
import { DeadlineQueue } from "./deadlines.ts";
import { type Allocation, isHeld } from "./allocation.ts";
import { Dependents } from "./dependents.ts";
import {
  type ArrayMembership,
  type Job,
  type JobIn,
  type JobSpec,
  type JobState,
  type RuntimePlan,
  stateOf,
  WHOLE_DEVICE,
} from "./job.ts";
import { IdSource } from "./id-source.ts";
import { type GroupFacts, JobQueue, type QueueGroup } from "./job-queue.ts";
import { type Kind, Kinds } from "./kind.ts";
import { type Holder, milliOf, type Node } from "./node.ts";
import { PastJobs } from "./past-jobs.ts";
import { Mesh } from "./membership.ts";
import type { Policy } from "./policy.ts";
import { planRuntime, predicts, RuntimeHistory } from "./runtime-history.ts";
import { noUsage, type Tenant, type Usage } from "./tenant.ts";
import { TenantUse } from "./tenant-use.ts";

/** What an operator set for the whole cluster. Durations in milliseconds. */
export interface Settings {
  /** Silence after which a node gets no new work. */
  readonly nodeUnreachableAfterMs: number;
  /** Silence after which a node's jobs are given up. */
  readonly nodeLostAfterMs: number;
  readonly policy: Policy;
  /** Nothing is placed before every node has told what runs on it, or is lost: for a state that is known to be behind. */
  readonly waitsForNodes?: boolean | undefined;
}

/**
 * Everything the core knows: the rows, and what is derived from them. Jobs are changed by {@link State.putJob} alone,
 * which keeps every derived number in step.
 */
export class State {
  readonly settings: Settings;
  readonly jobs = new Map<JobId, Job>();
  /** By job, or by array for the jobs of one. */
  readonly specs = new Map<JobId, JobSpec>();
  readonly tenants = new Map<TenantId, Tenant>();
  readonly cluster = new Cluster();
  readonly kinds = new Kinds();
  readonly ids = new IdSource();

  readonly queue = new JobQueue();
  /** The jobs of each array, by index. */
  readonly arrays = new Map<JobId, JobId[]>();
  readonly dependents = new Dependents();
  readonly past = new PastJobs();
  /** Queued jobs for which room is kept while others leave. */
  readonly claims = new Claims(this.cluster);
  readonly history: RuntimeHistory;
  readonly use: TenantUse;
  /** Told of every job that is given its place, and of every one that has to make room; for forecasts. */
  onPlaced: ((id: JobId) => void) | undefined;
  onPreempted: ((id: JobId) => void) | undefined;
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
  /** What the scheduler remembers from one pass to the next. */
  readonly scheduling: SchedulingMemory = newSchedulingMemory();
  /** Nodes that have to be heard first. */
  readonly unheard = new Set<NodeName>();
  /** Which nodes can reach each other. */
  readonly mesh = new Mesh();
  /** Whether anything changed since the last scheduling pass that could let a job start. */
  needsPass = true;
  /** Grows whenever room may have grown: jobs that were refused before may fit now. */
  growth = 0;
  /** The jobs that have not finished, with the group of each that is queued. */
  readonly #alive = new Map<JobId, QueueGroup | undefined>();

  /**
   * @param at the time: uses of GPUs long ago weigh less
   * @param past what another state has learnt
   */
  constructor(settings: Settings, at: number, past?: { readonly history: RuntimeHistory; readonly use: TenantUse }) {
    this.settings = settings;
    this.history = past?.history ?? new RuntimeHistory();
    this.use = past?.use ?? new TenantUse(settings.policy.fairShareHalfLifeMs, at);
  }

  /** By name. */
  get nodes(): ReadonlyMap<NodeName, Node> {
    return this.cluster.byName;
  }

  job(id: JobId): Job {
    return present(this.jobs.get(id), "job", id);
  }

  spec(id: JobId): JobSpec {
    return this.specs.get(id) ?? present(this.specs.get(this.jobs.get(id)?.array?.id ?? id), "spec of", id);
  }

  tenant(id: TenantId): Tenant {
    return present(this.tenants.get(id), "tenant", id);
  }

  usageOf(id: TenantId): Usage {
    let usage = this.usage.get(id);
    if (!usage) {
      usage = noUsage();
      this.usage.set(id, usage);
    }
    return usage;
  }

  /** Jobs that have not finished. */
  *alive(): Generator<Job> {
    for (const id of this.#alive.keys()) yield this.job(id);
  }

  kindOf(id: JobId): Kind {
    return this.kinds.of(this.spec(id));
  }

  /** How long the jobs of the group are expected to run. */
  planOf(group: QueueGroup): RuntimePlan {
    const { runs } = this.history;
    if (group.plan?.runs !== runs) {
      group.plan = { runs, runtime: planRuntime(this.history, group.facts, this.settings.policy) };
    }
    return group.plan.runtime;
  }

  groupOf(job: JobIn<"queued">): QueueGroup {
    return present(this.#alive.get(job.id), "group of", job.id);
  }

  /** Something changed that may let a refused job start. */
  grow(): void {
    this.growth += 1;
    this.needsPass = true;
  }

  /** The node changed in a way that may matter to where jobs fit. */
  touch(node: Node): void {
    this.cluster.touch(node);
    this.grow();
  }

  /** Sets the job's row, and takes what it held and waited for out of the derived numbers and puts in the new. */
  putJob(job: Job): void {
    const before = this.jobs.get(job.id);
    if (before && keepsPlace(before, job)) {
      this.jobs.set(job.id, job);
      return;
    }
    if (before) this.#count(before, -1);
    if (before?.phase === "queued") this.#dequeue(before);
    this.jobs.set(job.id, job);
    if (!before && job.array) this.#joinArray(job.id, job.array);
    if (job.phase === "finished") this.#alive.delete(job.id);
    else if (job.phase === "queued") this.#alive.set(job.id, this.#enqueue(job));
    else if (!before || before.phase === "queued") this.#alive.set(job.id, undefined);
    this.#count(job, 1);
    this.#noteEnd(job);
    this.#rehold(before, job);
    if (job.phase !== "starting") this.progress.delete(job.id);
    this.needsPass = true;
  }

  /** A job, or an array with all of its jobs, that is over: nobody may hold or await anything of it. */
  forget(id: JobId): void {
    for (const jobId of this.arrays.get(id) ?? [id]) {
      this.jobsInState[stateOf(this.job(jobId))] -= 1;
      this.jobs.delete(jobId);
    }
    this.arrays.delete(id);
    this.specs.delete(id);
    this.dependents.forget(id);
    this.past.delete(id);
  }

  #noteEnd(job: Job): void {
    const id = job.array?.id ?? job.id;
    const isOver = job.array ? this.dependents.progressOf(id).outstanding === 0 : job.phase === "finished";
    if (!isOver) this.past.delete(id);
    else if (job.phase === "finished") {
      this.past.add(id, { endedAt: job.finishedAt, jobs: this.arrays.get(id)?.length ?? 1 });
    }
  }

  #joinArray(id: JobId, { id: arrayId, index }: ArrayMembership): void {
    const members = this.arrays.get(arrayId) ?? [];
    members[index] = id;
    this.arrays.set(arrayId, members);
  }

  #count(job: Job, sign: 1 | -1): void {
    this.jobsInState[stateOf(job)] += sign;
    this.dependents.count(job, sign);
    if (job.phase === "finished") return;
    const { dependsOn } = this.spec(job.id);
    if (dependsOn) {
      this.dependents.need(
        dependsOn.map((id) => this.jobs.get(id)?.array?.id ?? id),
        sign,
      );
    }
    const usage = this.usageOf(job.tenantId);
    if (job.phase === "queued" || job.phase === "held") usage.queuedJobs += sign;
    if (job.allocations.some(isHeld)) usage.jobs += sign;
  }

  /** Takes back what the job no longer holds, and has it hold what is new. */
  #rehold(before: Job | undefined, after: Job): void {
    const usage = this.usageOf(after.tenantId);
    const old = (before?.attempt === after.attempt ? before.allocations : undefined) ?? [];
    for (const allocation of before?.allocations ?? []) {
      const next = old === before?.allocations ? after.allocations[allocation.rank] : undefined;
      if (isHeld(allocation) && !(next && isHeld(next))) this.#hold(after, allocation, usage, -1);
    }
    for (const allocation of after.allocations) {
      if (!isHeld(allocation)) continue;
      const previous = old[allocation.rank];
      if (previous && isHeld(previous)) this.#nodeOf(after, allocation).jobs.set(after.id, allocation);
      else this.#hold(after, allocation, usage, 1);
    }
  }

  #dequeue(job: JobIn<"queued">): void {
    this.queue.remove(job, this.groupOf(job));
    if (this.claims.remove(job.id)) this.grow();
  }

  #enqueue(job: JobIn<"queued">): QueueGroup {
    if (job.claim) this.claims.add(job.id, job.claim);
    return this.queue.add(job, this.#groupFactsOf(job));
  }

  /** Puts a waiting job with those that are predicted as it is by now. What was found out about it stays known. */
  regroup(job: JobIn<"queued">): void {
    this.#alive.set(job.id, this.queue.move(job, this.groupOf(job), this.#groupFactsOf(job)));
  }

  #groupFactsOf(job: JobIn<"queued">): GroupFacts {
    const { tenantId, effectivePriority, priority } = job;
    const spec = this.spec(job.id);
    const kind = this.kinds.of(spec);
    const historyKey = this.historyKeyOf(spec, kind);
    return {
      tenantId,
      effectivePriority,
      priority,
      kind,
      limitMinutes: spec.maxRuntimeMinutes,
      historyKey,
      isClaimed: job.claim !== undefined,
    };
  }

  /** Names the runs by which such a job is predicted as things are: none where its limit is all that counts. */
  historyKeyOf(spec: JobSpec, { shape }: Kind): string {
    return predicts(this.settings.policy, spec.maxRuntimeMinutes) ? this.history.keyFor(spec, shape) : "";
  }

  #hold(job: Job, allocation: Allocation, usage: Usage, sign: 1 | -1): void {
    const { milli = WHOLE_DEVICE } = allocation;
    usage.gpuMilli += sign * allocation.devices.length * milli;
    usage.gpuMemoryMb += sign * allocation.gpuMemoryMb;
    usage.cpuCores += sign * allocation.cpuCores;
    usage.memoryMb += sign * allocation.memoryMb;
    const node = this.#nodeOf(job, allocation);
    node.cpuCoresUsed += sign * allocation.cpuCores;
    node.memoryMbUsed += sign * allocation.memoryMb;
    if (sign === 1) node.jobs.set(job.id, allocation);
    else node.jobs.delete(job.id);
    const holder = { jobId: job.id, attempt: job.attempt, milli };
    for (const device of allocation.devices) this.#holdDevice(node, device, holder, sign);
    this.cluster.touch(node);
    if (sign === -1) this.grow();
  }

  #holdDevice(node: Node, device: DeviceId, holder: Holder, sign: 1 | -1): void {
    const holders = node.held.get(device) ?? NOBODY;
    if (sign === 1) {
      if (milliOf(holders) + holder.milli > WHOLE_DEVICE) {
        const where = `${device} of ${node.record.name}`;
        throw new InvariantError(`device ${where} is given to ${holder.jobId} while it is held`);
      }
      node.held.set(device, holders.toSpliced(holders.length, 0, holder));
    } else if (holders.length <= 1) node.held.delete(device);
    else
      node.held.set(
        device,
        holders.filter(({ jobId }) => jobId !== holder.jobId),
      );
  }

  #nodeOf(job: Job, allocation: Allocation): Node {
    return present(this.nodes.get(allocation.node), "node of", job.id);
  }
}

const NOBODY: readonly Holder[] = [];

/** Whether the change leaves everything as it is that is derived from a job. */
function keepsPlace(before: Job, after: Job): boolean {
  if (before.phase !== after.phase || stateOf(before) !== stateOf(after)) return false;
  if (before.phase === "queued" || before.phase === "held") return false;
  return before.allocations === after.allocations;
}
