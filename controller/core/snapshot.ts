import type { JobId, NodeName, TenantId } from "../../base/ids.ts";
import { isHeld } from "./model/allocation.ts";
import type { Deadline } from "./model/deadlines.ts";
import { gpusOf, type Job, type JobSpec } from "./model/job.ts";
import type { PreemptionTrial } from "./model/job-queue.ts";
import { type Node, silentNode } from "./model/node.ts";
import { planRuntime, type RuntimeHistory } from "./model/runtime-history.ts";
import { type Settings, State } from "./model/state.ts";
import type { TenantUse } from "./model/tenant-use.ts";
import type { Tenant } from "./model/tenant.ts";
import { copyMix, type DemandMix } from "./schedule/demand-mix.ts";
import type { Reservation } from "./schedule/memory.ts";
import { copyTrial } from "./schedule/preempt/preempt.ts";
import type { Slices } from "./slices.ts";

/** Jobs that are put into a copy in one slice. */
const JOBS_IN_A_SLICE = 100;

/**
 * What is alive at one moment, from which any number of copies can be made while the state itself goes on. To take it costs
 * little: rows never change, so that they are only pointed at.
 */
export interface Snapshot {
  readonly at: number;
  readonly settings: Settings;
  readonly history: RuntimeHistory;
  readonly use: TenantUse;
  readonly mix: DemandMix;
  readonly tenants: ReadonlyMap<TenantId, Tenant>;
  /** With nothing on them. */
  readonly nodes: readonly Node[];
  readonly jobs: readonly { readonly job: Job; readonly spec: JobSpec }[];
  readonly scheduling: SchedulingSnapshot;
}

/** Where the last pass left off. */
interface SchedulingSnapshot {
  readonly growth: number;
  readonly needsPass: boolean;
  readonly seenGrowth: number;
  readonly tenantsVersion: number;
  readonly clusterVersion: number;
  readonly reservations: readonly Reservation[];
  readonly reservedOn: readonly (readonly [NodeName, readonly Reservation[]])[];
  readonly groups: readonly {
    readonly first: JobId;
    readonly refusedAt: number;
    readonly trial: PreemptionTrial | undefined;
  }[];
  /** When a waiting job may have others make room for it, or one that runs and will wait then, and when budgets are given back; what ends, a forecast foresees by itself. */
  readonly deadlines: readonly Deadline[];
}

/** Takes down what is needed to look ahead from `at`. */
export function snapshotOf(state: State, at: number): Snapshot {
  return {
    at,
    settings: state.settings,
    history: state.history.frozen(),
    use: state.use.copy(),
    mix: copyMix(state.scheduling.mix),
    tenants: new Map(state.tenants),
    nodes: state.cluster.nodes.map((node) => emptied(node, at)),
    jobs: Array.from(state.alive(), (job) => ({ job, spec: state.spec(job.id) })),
    scheduling: schedulingOf(state),
  };
}

function emptied(node: Node, at: number): Node {
  const { reach, session, executorReady, executorMessage, goodBeats, throttling, hot, conditions } = node;
  const heard = { reach, session, executorReady, executorMessage, goodBeats, throttling, hot, conditions };
  return { ...silentNode(node.record, at), ...heard, leftovers: new Map(node.leftovers) };
}

function schedulingOf(state: State): SchedulingSnapshot {
  const { reservations, reservedOn, seenGrowth, tenantsVersion } = state.scheduling;
  const groups = Array.from(state.queue.groups, ({ first, refusedAt, trial }) => ({ first, refusedAt, trial }));
  return {
    growth: state.growth,
    needsPass: state.needsPass,
    seenGrowth,
    tenantsVersion,
    clusterVersion: state.cluster.version,
    reservations: [...reservations],
    reservedOn: Array.from(reservedOn, ([node, kept]) => [node, [...kept]] as const),
    groups: groups.flatMap(({ first, refusedAt, trial }) => {
      return first ? [{ first: first.id, refusedAt, trial: trial && { ...trial } }] : [];
    }),
    deadlines: [...state.deadlines].filter(({ kind }) => kind !== "node" && kind !== "idle"),
  };
}

/**
 * What was alive, in a state of its own that no agent hears of.
 *
 * @param quantile of past running times, 0 … 1, to take unless the policy's is higher; by default the policy's
 */
export function* copyOf(snapshot: Snapshot, quantile = 0): Slices<State> {
  const { at, history, use, mix } = snapshot;
  const { policy } = snapshot.settings;
  const isLonger = quantile > policy.predictionQuantile;
  const longer = { ...snapshot.settings, policy: { ...policy, predictionQuantile: quantile } };
  const copy = new State(isLonger ? longer : snapshot.settings, at, { history, use: use.copy() });
  Object.assign(copy.scheduling.mix, copyMix(mix));
  for (const [id, tenant] of snapshot.tenants) copy.tenants.set(id, tenant);
  for (const node of snapshot.nodes) copy.cluster.add(emptied(node, at));
  let left = JOBS_IN_A_SLICE;
  for (const { job, spec } of snapshot.jobs) {
    copy.ids.note(job.id);
    copy.specs.set(job.array?.id ?? job.id, spec);
    copy.putJob(isLonger ? planLonger(copy, job, spec) : job);
    left -= 1;
    if (left > 0) continue;
    left = JOBS_IN_A_SLICE;
    yield;
  }
  recall(copy, snapshot.scheduling);
  return copy;
}

/** A job that runs by what is known of its like, as the copy's policy predicts it. */
function planLonger(copy: State, job: Job, spec: JobSpec): Job {
  if (job.plan?.basis !== "history") return job;
  // By its spec, as the copy does not know yet which array the job is of.
  const historyKey = copy.history.keyFor(spec, copy.kinds.of(spec).shape);
  const plan = planRuntime(copy.history, { limitMinutes: spec.maxRuntimeMinutes, historyKey }, copy.settings.policy);
  if (plan.ms <= job.plan.ms) return job;
  if (job.allocations.some(isHeld)) {
    copy.use.charge(job.tenantId, (plan.ms - job.plan.ms) * gpusOf(spec), job.placedAt ?? job.submittedAt);
  }
  return { ...job, plan };
}

/**
 * The copy goes on where the last pass of the state left off: a pass that the loop would not run now could decide otherwise,
 * because turns change as time passes.
 */
function recall(copy: State, before: SchedulingSnapshot): void {
  copy.growth = before.growth;
  copy.needsPass = before.needsPass;
  copy.scheduling.seenGrowth = before.seenGrowth;
  copy.scheduling.tenantsVersion = before.tenantsVersion;
  copy.scheduling.reservations = [...before.reservations];
  for (const [node, kept] of before.reservedOn) copy.scheduling.reservedOn.set(node, [...kept]);
  // Who was refused since room last grew would be refused again; the others are looked at as if they had just come.
  for (const group of copy.queue.groups) group.refusedAt = before.growth;
  for (const { first, refusedAt, trial } of before.groups) {
    const job = copy.jobs.get(first);
    if (job?.phase !== "queued") continue;
    const copied = copy.groupOf(job);
    copied.refusedAt = Math.min(copied.refusedAt, refusedAt);
    if (trial) copied.trial = copyTrial(trial, before.clusterVersion, copy.cluster.version);
  }
  for (const due of before.deadlines) copy.deadlines.add(due);
}
