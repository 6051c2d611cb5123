import { allocationName, type JobId, type NodeName, type TenantId } from "../../base/ids.ts";
import { type Allocation, isHeld } from "../../controller/core/model/allocation.ts";
import { type Job, type JobSpec, WHOLE_DEVICE } from "../../controller/core/model/job.ts";
import type { Membership } from "../../controller/core/model/membership.ts";
import type { NodeRecord } from "../../controller/core/model/node.ts";
import type { State } from "../../controller/core/model/state.ts";
import type { Limits, Tenant } from "../../controller/core/model/tenant.ts";
import type { Effect } from "../../controller/core/output.ts";
import type { Write } from "../../controller/store/store.ts";
import type { Runs } from "./runs.ts";

/** Who is told of what becomes durable. */
export interface LedgerListener {
  readonly violate: (what: string) => void;
  readonly onChange: (from: string, to: string) => void;
  /** What ran on a lost node is given up. */
  readonly onRequeue: (node: NodeName, name: string) => void;
}

/**
 * What is durable, as it becomes so: every change is compared with the one before, with what really runs, and with what was
 * promised to clients. It is told by the store itself, so that no controller can be ahead of it.
 */
export class LedgerWatch {
  readonly jobs = new Map<JobId, Job>();
  readonly specs = new Map<JobId, JobSpec>();
  readonly tenants = new Map<TenantId, Tenant>();
  readonly nodes = new Map<NodeName, NodeRecord>();
  readonly memberships = new Map<number, Membership>();
  readonly #runs: Runs;
  readonly #violate: (what: string) => void;
  readonly #onChange: LedgerListener["onChange"];
  readonly #onRequeue: LedgerListener["onRequeue"];
  /** Every allocation that ever was durable, with its node. */
  readonly #placed = new Set<string>();
  /** Jobs that a commit gives their place. */
  readonly #started: Job[] = [];
  #term = 0;

  constructor(runs: Runs, { violate, onChange, onRequeue }: LedgerListener) {
    this.#runs = runs;
    this.#violate = violate;
    this.#onChange = onChange;
    this.#onRequeue = onRequeue;
  }

  /** The rows of a batch have become durable. */
  onCommit(writes: readonly Write[], term: number): void {
    if (term < this.#term) this.#violate(`term ${term} commits after term ${this.#term}`);
    this.#term = term;
    const growing = new Set<TenantId>();
    for (const { table, key, value } of writes) {
      if (table === "spec") this.specs.set(key as JobId, value as unknown as JobSpec);
      if (table === "tenant") this.tenants.set(key as TenantId, value as unknown as Tenant);
      if (table === "node") this.nodes.set(key as NodeName, value as unknown as NodeRecord);
      if (table === "membership") this.#onMembership(Number(key), value as unknown as Membership | null);
      if (table === "job") this.#onJob(value as unknown as Job, growing);
    }
    for (const id of growing) this.#checkQuota(id);
    // Only now: what it depends on may be completed by the same commit.
    for (const job of this.#started.splice(0)) this.#checkDependencies(job);
  }

  #onMembership(version: number, membership: Membership | null): void {
    if (membership) this.memberships.set(version, membership);
    else this.memberships.delete(version);
  }

  /**
   * A new term has read the rows: as they are durable, all of them. One that lost its lead while it read may lack what a later
   * term has added: whatever it commits is refused.
   */
  checkLoaded(term: number, { jobs, specs }: Pick<State, "jobs" | "specs">): void {
    if (term < this.#term) return;
    const missing = [...this.jobs.keys()].filter((id) => !jobs.has(id));
    if (missing.length > 0) this.#violate(`a new term does not know ${missing.join(", ")}`);
    if (this.specs.size > specs.size) this.#violate("a new term does not know all specs");
  }

  /** An effect leaves a controller. */
  checkEffect(effect: Effect, by: string): void {
    if (effect.kind === "welcome" && !this.nodes.has(effect.node)) {
      this.#violate(`${by} welcomes ${effect.node} before its record is durable`);
    }
    if (effect.kind === "membership") this.#checkMembership(effect.membership, effect.node, by);
    if (effect.kind === "launch") {
      const { job, allocation, node } = effect;
      const name = allocationName({ jobId: job.id, attempt: job.attempt, rank: allocation.rank });
      if (!this.#placed.has(`${name}@${node}`)) this.#violate(`${by} launches ${name} before that is durable`);
    }
    if (effect.kind !== "stop" && effect.kind !== "release") return;
    const { key, node } = effect;
    const job = this.jobs.get(key.jobId);
    const allocation = job?.attempt === key.attempt ? job.allocations[key.rank] : undefined;
    const isWanted = allocation?.node === node && isHeld(allocation) && job?.phase !== "stopping";
    const keepsIt = effect.kind === "release" ? allocation?.node === node && isHeld(allocation) : isWanted;
    if (keepsIt) this.#violate(`${by} has ${allocationName(key)} ${effect.kind} while the ledger wants it`);
  }

  /** That a node may go by a membership is durable before it can. */
  #checkMembership({ version }: Membership, node: NodeName, by: string): void {
    const known = this.nodes.get(node)?.memberships;
    const isNamed = known?.sent.includes(version) || known?.acknowledged === version;
    if (!isNamed) this.#violate(`${by} sends ${node} membership ${version} before that is durable`);
    if (!this.memberships.has(version)) this.#violate(`${by} sends membership ${version} before it is durable`);
  }

  /** The allocation as the ledger has it now, if it holds anything. */
  wanted(key: { readonly jobId: JobId; readonly attempt: number; readonly rank: number }, node: string) {
    const job = this.jobs.get(key.jobId);
    const allocation = job?.attempt === key.attempt ? job.allocations[key.rank] : undefined;
    return allocation?.node === node && isHeld(allocation) ? allocation : undefined;
  }

  #onJob(job: Job, growing: Set<TenantId>): void {
    const before = this.jobs.get(job.id);
    this.jobs.set(job.id, job);
    this.#onChange(before?.phase ?? "none", job.phase);
    if (before) this.#compare(before, job);
    else if (job.attempt > 1) this.#violate(`${job.id} begins with attempt ${job.attempt}`);
    for (const allocation of job.allocations) this.#placed.add(`${nameOf(job, allocation)}@${allocation.node}`);
    if (job.allocations.some(isHeld)) growing.add(job.tenantId);
    if (job.phase === "starting" && before?.phase !== "starting") this.#started.push(job);
    this.#checkWhole(job);
    if (job.phase === "finished" && before?.phase !== "finished") this.#checkOutcome(job);
  }

  #compare(before: Job, job: Job): void {
    if (before.phase === "finished" && JSON.stringify(job) !== JSON.stringify(before)) {
      this.#violate(`${job.id} was finished and changes to ${job.phase}`);
    }
    if (job.attempt < before.attempt || job.attempt > before.attempt + 1) {
      this.#violate(`${job.id} goes from attempt ${before.attempt} to ${job.attempt}`);
    }
    for (const allocation of before.allocations) {
      if (!isHeld(allocation)) continue;
      const after = job.attempt === before.attempt ? job.allocations[allocation.rank] : undefined;
      if (after && isHeld(after)) {
        if (JSON.stringify(after.devices) !== JSON.stringify(allocation.devices)) {
          this.#violate(`${nameOf(job, after)} changes its devices`);
        }
      } else this.#checkOver(before, allocation, after, job);
    }
  }

  /** The ledger has given a rank up: nothing of it may run, and what is told of its end must be true. */
  #checkOver(job: Job, allocation: Allocation, after: Allocation | undefined, now: Job): void {
    const name = nameOf(job, allocation);
    const run = this.#runs.get(name);
    if (run?.isRunning) this.#violate(`${name} is over for the ledger and runs on ${run.host}`);
    if (isGivenUp(job, allocation, now)) this.#onRequeue(allocation.node, name);
    const isForgotten = now.history.at(-1)?.message.includes("no longer knows the job");
    if (isForgotten && run && !run.isRunning) this.#violate(`${name} has ended, and the ledger was not told how`);
    if (after?.state.phase !== "ended" || after.state.end.kind !== "exited") return;
    const told = after.state.end.exitCode;
    if (run?.exitCode !== told) this.#violate(`${name} ended with ${run?.exitCode}, and the ledger says ${told}`);
  }

  #checkDependencies(job: Job): void {
    const { dependsOn = [] } = this.specs.get(job.array?.id ?? job.id) ?? {};
    for (const other of this.jobs.values()) {
      const isWaitedFor = dependsOn.includes(other.id) || (other.array && dependsOn.includes(other.array.id));
      const isCompleted = other.phase === "finished" && other.outcome.kind === "completed";
      if (isWaitedFor && !isCompleted) this.#violate(`${job.id} starts before ${other.id} is completed`);
    }
  }

  #checkOutcome(job: Job & { phase: "finished" }): void {
    this.#checkIdle(job);
    const { outcome, allocations } = job;
    const runs = allocations.map((allocation) => this.#runs.get(nameOf(job, allocation)));
    const codes = runs.map((run) => run?.exitCode);
    const isTrue =
      outcome.kind === "completed"
        ? codes.length > 0 && codes.every((code) => code === 0)
        : outcome.kind !== "failed" || outcome.exitCode === undefined || codes.includes(outcome.exitCode);
    const isItsOwn =
      outcome.kind !== "failed" || outcome.exitCode === undefined || runs.some((run) => run?.wasStopped === false);
    if (!isItsOwn) this.#violate(`${job.id} is failed with ${outcome.exitCode}, which came of being stopped`);
    if (!isTrue) this.#violate(`${job.id} is ${JSON.stringify(outcome)}, and its ranks ended with ${codes.join(", ")}`);
  }

  /** Stopped for an idle device: one that is, that was its own, and that its tenant asks to be used. */
  #checkIdle({ id, tenantId, outcome, allocations }: Job & { phase: "finished" }): void {
    if (outcome.kind !== "failed" || !outcome.idle) return;
    const { node, device } = outcome.idle;
    this.#onChange("idle", "stopped");
    const isIdle = this.nodes.get(node)?.inventory.devices.find((one) => one.id === device)?.index === 0;
    const held = allocations.find((one) => one.node === node && one.devices.includes(device));
    const isMeant = (this.tenants.get(tenantId)?.minGpuUtilization ?? 0) > 0;
    if (!isIdle || !held || held.milli !== undefined || !isMeant) {
      this.#violate(`${id} is stopped for ${device} of ${node}, which is not idle, not its own, or may be`);
    }
  }

  /** A job that holds anything has been given all that it asked for. */
  #checkWhole(job: Job): void {
    if (job.phase !== "starting" && job.phase !== "running") return;
    const spec = this.specs.get(job.array?.id ?? job.id);
    const gpus = job.allocations.reduce((sum, { devices }) => sum + devices.length, 0);
    if (gpus !== spec?.gpuCount) this.#violate(`${job.id} holds ${gpus} GPUs and asked for ${spec?.gpuCount}`);
    const parts = new Set(job.allocations.map(({ devices }) => devices.length));
    const nodes = new Set(job.allocations.map(({ node }) => node));
    const isSplit = job.allocations.length > 1;
    if (nodes.size !== job.allocations.length) this.#violate(`${job.id} has two ranks on one node`);
    if (isSplit && !spec?.gang) this.#violate(`${job.id} is no gang and is divided`);
    if (spec?.gpusPerNode !== undefined && !parts.has(spec.gpusPerNode)) this.#violate(`${job.id} is divided wrongly`);
  }

  /** Recounted from the rows, whatever the core's own count says. A limit that was lowered below what is held counts for what comes. */
  #checkQuota(id: TenantId): void {
    const limits: Limits = this.tenants.get(id)?.limits ?? {};
    let milli = 0;
    let jobs = 0;
    for (const job of this.jobs.values()) {
      if (job.tenantId !== id || job.phase === "finished") continue;
      const held = job.allocations.filter(isHeld);
      if (held.length > 0) jobs += 1;
      milli += held.reduce(
        (sum, allocation) => sum + allocation.devices.length * (allocation.milli ?? WHOLE_DEVICE),
        0,
      );
    }
    const before = this.#usage.get(id) ?? { milli: 0, jobs: 0 };
    this.#usage.set(id, { milli, jobs });
    const { gpus = Number.POSITIVE_INFINITY, concurrentJobs = Number.POSITIVE_INFINITY } = limits;
    if (milli > before.milli && milli > gpus * WHOLE_DEVICE) {
      this.#violate(`tenant ${id} comes to hold ${milli / WHOLE_DEVICE} GPUs of ${gpus}`);
    }
    if (jobs > before.jobs && jobs > concurrentJobs) {
      this.#violate(`tenant ${id} comes to run ${jobs} jobs of ${concurrentJobs}`);
    }
  }

  readonly #usage = new Map<TenantId, { readonly milli: number; readonly jobs: number }>();
}

/** Whether it is over because its node was not heard for too long. */
function isGivenUp(before: Job, { node, movesWhenLost }: Allocation, now: Job): boolean {
  if (!movesWhenLost) return false;
  const known = new Set(before.history.map((event) => JSON.stringify(event)));
  const news = now.history.filter((event) => !known.has(JSON.stringify(event)));
  return news.some(({ kind, message }) => kind !== "node-unreachable" && message.includes(`node ${node} was lost`));
}

function nameOf(job: Job, { rank }: Allocation): string {
  return allocationName({ jobId: job.id, attempt: job.attempt, rank });
}
