/**
 * What becomes of jobs that hold devices and do not use them, for tenants that have a minimum. A device's readings come with its
 * node's heartbeats, which must write nothing: what is due is left to the deadlines.
 */
import type { JobId } from "../../base/ids.ts";
import { MINUTE_MS } from "../../base/time.ts";
import { isHeld } from "./model/allocation.ts";
import type { IdleClock, IdleDevice, IdleStage } from "./model/idle.ts";
import { type Job, type JobIn, WHOLE_DEVICE } from "./model/job.ts";
import type { Holder, Node } from "./model/node.ts";
import type { State } from "./model/state.ts";
import { DEFAULT_IDLE_WINDOW_MINUTES, type Tenant } from "./model/tenant.ts";
import type { Output } from "./output.ts";
import { note, stopJob } from "./transition.ts";

/** What a tenant asks of the devices that its jobs hold. */
interface IdlePolicy {
  /** In percent. */
  readonly minimum: number;
  /** For so long a device may be below it. */
  readonly windowMs: number;
}

function idlePolicyOf({ minGpuUtilization = 0, gpuIdleWindowMinutes }: Tenant): IdlePolicy | undefined {
  if (minGpuUtilization === 0) return undefined;
  return {
    minimum: minGpuUtilization,
    windowMs: (gpuIdleWindowMinutes ?? DEFAULT_IDLE_WINDOW_MINUTES) * MINUTE_MS,
  };
}

/** Takes the node's newest readings into account. Writes nothing. */
export function readIdleness(state: State, node: Node, at: number): void {
  for (const device of node.idle.keys()) if (!node.held.has(device)) node.idle.delete(device);
  let readings: ReadonlyMap<string, number | undefined> | undefined;
  for (const [device, holders] of node.held) {
    const judged = judgedJob(state, holders);
    if (!judged) {
      node.idle.delete(device);
      continue;
    }
    readings ??= new Map(node.telemetry.map(({ id, utilizationPercent }) => [id, utilizationPercent]));
    const clock = clockOf(node.idle.get(device), judged.job, judged.policy);
    count(state, clock, readings.get(device), at);
    node.idle.set(device, clock);
    const stage = stageOf(clock, judged.policy);
    clock.isTold &&= stage !== "early";
    if (!isCounting(clock, node)) continue;
    if (stage !== "early" && stage !== clock.stage) {
      state.deadlines.add({ at, kind: "idle", jobId: judged.job.id });
    }
    clock.stage = stage;
  }
}

/** The job that alone uses the device, if its tenant asks that it does. What shares of a device do cannot be told apart. */
function judgedJob(state: State, holders: readonly Holder[]) {
  const [holder] = holders;
  if (holder?.milli !== WHOLE_DEVICE) return undefined;
  const job = state.job(holder.jobId);
  const policy = job.phase === "running" ? idlePolicyOf(state.tenant(job.tenantId)) : undefined;
  return policy && { job, policy };
}

/** The device's clock, or one that begins. */
function clockOf(clock: IdleClock | undefined, job: Job, policy: IdlePolicy): IdleClock {
  if (clock && isOf(clock, job, policy)) return clock;
  const { id: jobId, attempt } = job;
  const { minimum } = policy;
  return { jobId, attempt, minimum, idleMs: 0, readAt: undefined, stage: "early", isTold: false };
}

function isOf(clock: IdleClock, job: Job, { minimum }: IdlePolicy): boolean {
  return clock.jobId === job.id && clock.attempt === job.attempt && clock.minimum === minimum;
}

/** One reading more. Where there is none, and in a silence, nobody knows what the device did: that does not count. */
function count(state: State, clock: IdleClock, reading: number | undefined, at: number): void {
  if (reading !== undefined && reading >= clock.minimum) clock.idleMs = 0;
  const isIdle = reading !== undefined && reading < clock.minimum;
  const sinceMs = at - (clock.readAt ?? at);
  if (isIdle && sinceMs < state.settings.nodeUnreachableAfterMs) clock.idleMs += sinceMs;
  clock.readAt = isIdle ? at : undefined;
}

/** Nobody is judged by a clock that stands still. */
function isCounting({ readAt }: IdleClock, node: Node): boolean {
  return readAt !== undefined && node.reach === "online";
}

function stageOf({ idleMs }: IdleClock, { windowMs }: IdlePolicy): IdleStage {
  if (idleMs >= windowMs) return "over";
  return idleMs * 2 >= windowMs ? "half" : "early";
}

/** A running job of which a device has been idle for half of the time or longer. */
interface IdleJob {
  readonly policy: IdlePolicy;
  /** The one that has been idle for longest. */
  readonly worst: IdleDevice;
  /** Those of all such devices, the ones that stand still included. */
  readonly clocks: readonly IdleClock[];
}

function idlenessOf(state: State, job: JobIn<"running">): IdleJob | undefined {
  const policy = idlePolicyOf(state.tenant(job.tenantId));
  if (!policy) return undefined;
  let worst: IdleDevice | undefined;
  const clocks: IdleClock[] = [];
  for (const { node, device, clock } of clocksOf(state, job)) {
    if (!isOf(clock, job, policy) || stageOf(clock, policy) === "early") continue;
    clocks.push(clock);
    if (!isCounting(clock, node)) continue;
    const { idleMs, minimum } = clock;
    if (!worst || idleMs > worst.idleMs) worst = { node: node.record.name, device, idleMs, minimum };
  }
  return worst && { policy, worst, clocks };
}

/** In the order of its ranks, as far as their devices have any. */
function* clocksOf(state: State, { allocations }: Job) {
  for (const { node: name, devices } of allocations.filter(isHeld)) {
    const node = state.nodes.get(name);
    for (const device of node ? devices : []) {
      const clock = node?.idle.get(device);
      if (node && clock) yield { node, device, clock };
    }
  }
}

/** At half of the time its user is told, once while any device stays idle; at the end the job is stopped, and not tried again. */
export function lookAtIdleness(state: State, id: JobId, out: Output, at: number): void {
  const job = state.jobs.get(id);
  if (job?.phase !== "running") return;
  const idle = idlenessOf(state, job);
  // What is not dealt with now is due again when its time comes: the policy may have changed since.
  for (const { clock } of clocksOf(state, job)) clock.stage = "early";
  if (!idle) return;
  const { policy, worst, clocks } = idle;
  if (worst.idleMs >= policy.windowMs) {
    const message = `stopped: ${nameOf(job, worst)} was below ${worst.minimum} % for ${minutes(worst.idleMs)} minutes`;
    stopJob(state, out, job, { kind: "failed", message, idle: worst }, at);
    return;
  }
  const isKnown = clocks.some(({ isTold }) => isTold);
  for (const clock of clocks) {
    clock.stage = "half";
    clock.isTold = true;
  }
  if (!isKnown) note(state, out, job, "gpu-idle", describe(job, idle), at);
}

/** That a running job will be stopped because of a device that is idle; undefined while there is none. */
export function describeIdleness(state: State, job: JobIn<"running">): string | undefined {
  const idle = idlenessOf(state, job);
  return idle && describe(job, idle);
}

function describe(job: Job, { worst, policy }: IdleJob): string {
  const { minimum, idleMs } = worst;
  const until = minutes(policy.windowMs);
  return `${nameOf(job, worst)} below ${minimum} % for ${minutes(idleMs)} minutes: the job is stopped at ${until}`;
}

/** Only simulated devices of several nodes have the same names. */
function nameOf({ allocations }: Job, { node, device }: IdleDevice): string {
  return allocations.length > 1 ? `GPU ${device} of ${node}` : `GPU ${device}`;
}

/** To the half minute. */
function minutes(ms: number): number {
  return Math.floor((ms * 2) / MINUTE_MS) / 2;
}

/** What is due of running jobs and not among the deadlines: nothing ever. For whoever checks invariants. */
export function* overlookedIdleness(state: State): Generator<string> {
  const due = new Set([...state.deadlines].flatMap((deadline) => (deadline.kind === "idle" ? [deadline.jobId] : [])));
  for (const job of state.alive()) {
    const idle = job.phase === "running" && !due.has(job.id) ? idlenessOf(state, job) : undefined;
    const told = idle?.clocks.some(({ isTold }) => isTold);
    for (const { stage } of idle?.clocks ?? []) {
      if (stage === "over" || (stage === "half" && !told)) yield `that a device of job ${job.id} is idle`;
    }
  }
}
