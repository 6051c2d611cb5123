import { assert } from "../../base/assert.ts";
import type { DeviceId, JobId } from "../../base/ids.ts";
import { overlookedIdleness } from "./idleness.ts";
import { isHeld } from "./model/allocation.ts";
import { type Job, type JobState, stateOf, WHOLE_DEVICE } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { noUsage, type Usage } from "./model/tenant.ts";
import { isGrouped } from "./schedule/regroup.ts";
import { jobsInOrder } from "./schedule/turn.ts";

/**
 * Recounts from the rows everything that is derived, by the plainest means, and compares: devices are held once, usage and
 * queue are what the jobs say, phases and ranks agree. Linear in the size of the state: for tests, the simulator and samples.
 *
 * @throws InvariantError naming the first thing that does not hold
 */
export function checkInvariants(state: State): void {
  const usage = new Map<string, Usage>();
  const inState: Record<JobState, number> = {
    pending: 0,
    running: 0,
    completed: 0,
    failed: 0,
    preempted: 0,
    cancelled: 0,
  };
  const held = new Map<string, Held[]>();
  const queued: Job[] = [];
  for (const job of state.jobs.values()) {
    checkJob(state, job);
    inState[stateOf(job)] += 1;
    const own = usage.get(job.tenantId) ?? noUsage();
    usage.set(job.tenantId, own);
    if (job.phase === "queued") queued.push(job);
    if (job.phase === "queued" || job.phase === "held") own.queuedJobs += 1;
    countHeld(state, job, own, held);
  }
  for (const [name, count] of Object.entries(inState)) {
    assert(
      state.jobsInState[name as JobState] === count,
      `${count} jobs are ${name}, not ${state.jobsInState[name as JobState]}`,
    );
  }
  for (const [id, own] of state.usage) {
    const counted = usage.get(id) ?? noUsage();
    assert(
      JSON.stringify(counted) === JSON.stringify(own),
      `usage of ${id} is ${JSON.stringify(counted)}, not ${JSON.stringify(own)}`,
    );
  }
  const inQueue: ReadonlySet<Job> = new Set(jobsInOrder(state, state.scheduling.now));
  assert(
    queued.length === state.queue.size && inQueue.size === queued.length && queued.every((job) => inQueue.has(job)),
    "the queue is not the queued jobs",
  );
  checkGroups(state);
  checkDependents(state);
  checkPast(state);
  checkNodes(state, held);
  checkClaims(state, held);
  for (const what of overlookedIdleness(state)) assert(false, `it is overlooked ${what}`);
}

interface Held {
  readonly job: Job;
  readonly milli: number;
}

function byJob(a: { readonly jobId: string }, b: { readonly jobId: string }): number {
  return a.jobId < b.jobId ? -1 : 1;
}

/** That no tenant holds more than its limits. Not part of {@link checkInvariants}: a limit may be lowered below what is held. */
export function checkQuotas(state: State): void {
  for (const tenant of state.tenants.values()) {
    const usage = state.usageOf(tenant.id);
    const { limits } = tenant;
    const within = (used: number, limit: number | undefined) => limit === undefined || used <= limit;
    assert(
      within(usage.gpuMilli / WHOLE_DEVICE, limits.gpus) &&
        within(usage.gpuMemoryMb, limits.gpuMemoryMb) &&
        within(usage.cpuCores, limits.cpuCores) &&
        within(usage.memoryMb, limits.memoryMb) &&
        within(usage.jobs, limits.concurrentJobs),
      `tenant ${tenant.id} holds ${JSON.stringify(usage)} of ${JSON.stringify(limits)}`,
    );
  }
}

function checkGroups(state: State): void {
  if (!isGrouped(state)) return;
  for (const group of state.queue.groups) {
    const { historyKey, kind } = group.facts;
    for (const job of group) {
      const key = state.historyKeyOf(state.spec(job.id), kind);
      assert(key === historyKey, () => `job ${job.id} waits with those known by "${historyKey}", not "${key}"`);
    }
  }
}

function checkJob(state: State, job: Job): void {
  assert(state.specs.has(job.array?.id ?? job.id), () => `job ${job.id} has no spec`);
  assert(state.tenants.has(job.tenantId), () => `job ${job.id} has no tenant`);
  const holds = job.allocations.filter(isHeld).length;
  if (job.phase === "queued" || job.phase === "held" || job.phase === "finished") {
    assert(holds === 0, () => `job ${job.id} is ${job.phase} and holds devices`);
    return;
  }
  assert(holds > 0, () => `job ${job.id} is ${job.phase} and holds nothing`);
  assert(job.attempt > 0, () => `job ${job.id} is ${job.phase} without an attempt`);
  const gpus = job.allocations.reduce((sum, allocation) => sum + allocation.devices.length, 0);
  assert(gpus === job.gpuCount, () => `job ${job.id} asked for ${job.gpuCount} GPUs and was given ${gpus}`);
  assert(
    job.allocations.every((allocation, index) => allocation.rank === index),
    () => `the ranks of job ${job.id} are not in order`,
  );
  if (job.phase === "running") {
    assert(job.startedAt !== undefined, () => `job ${job.id} runs without a start`);
    assert(
      job.allocations.every((allocation) => allocation.state.phase !== "assigned"),
      () => `job ${job.id} runs before all of its ranks do`,
    );
  }
}

function countHeld(state: State, job: Job, own: Usage, held: Map<string, Held[]>): void {
  let holds = false;
  for (const allocation of job.allocations) {
    if (!isHeld(allocation)) continue;
    holds = true;
    own.gpuMilli += allocation.devices.length * (allocation.milli ?? WHOLE_DEVICE);
    own.gpuMemoryMb += allocation.gpuMemoryMb;
    own.cpuCores += allocation.cpuCores;
    own.memoryMb += allocation.memoryMb;
    for (const device of allocation.devices) {
      const slot = `${allocation.node}/${device}`;
      const holders = [...(held.get(slot) ?? []), { job, milli: allocation.milli ?? WHOLE_DEVICE }];
      const names = holders.map((holder) => holder.job.id).join(" and ");
      assert(holders.reduce((sum, { milli }) => sum + milli, 0) <= WHOLE_DEVICE, `device ${slot} is held by ${names}`);
      held.set(slot, holders);
    }
    assert(state.nodes.get(allocation.node)?.jobs.has(job.id), `node ${allocation.node} does not count ${job.id}`);
  }
  if (holds) own.jobs += 1;
}

function checkNodes(state: State, held: ReadonlyMap<string, readonly Held[]>): void {
  let counted = 0;
  for (const node of state.nodes.values()) {
    const { name } = node.record;
    counted += node.held.size;
    for (const [device, holders] of node.held) {
      const told = JSON.stringify(holders.toSorted(byJob));
      const holdings = held.get(`${name}/${device satisfies DeviceId}`) ?? [];
      const holding = holdings.map(({ job, milli }) => ({ jobId: job.id, attempt: job.attempt, milli }));
      assert(told === JSON.stringify(holding.toSorted(byJob)), `device ${name}/${device} has wrong holders`);
    }
    let cores = 0;
    let memory = 0;
    for (const id of node.jobs.keys()) {
      for (const allocation of state.job(id).allocations) {
        if (allocation.node !== name || !isHeld(allocation)) continue;
        cores += allocation.cpuCores;
        memory += allocation.memoryMb;
      }
    }
    assert(cores === node.cpuCoresUsed && memory === node.memoryMbUsed, `node ${name} miscounts cores or memory`);
  }
  assert(counted === held.size, `${held.size} devices are held, and the nodes count ${counted}`);
}

/** That nobody waits for what is over, and that whoever waits will be told. */
function checkDependents(state: State): void {
  const outstanding = new Map<JobId, number>();
  for (const { array, phase } of state.jobs.values()) {
    if (array && phase !== "finished") outstanding.set(array.id, (outstanding.get(array.id) ?? 0) + 1);
  }
  for (const id of state.arrays.keys()) {
    const counted = state.dependents.progressOf(id).outstanding;
    assert(counted === (outstanding.get(id) ?? 0), () => `${counted} jobs of array ${id} are outstanding`);
  }
  const waiting = new Map<JobId, ReadonlySet<JobId>>();
  for (const job of state.jobs.values()) {
    if (job.phase !== "held" || job.hold.kind !== "dependencies") continue;
    for (const id of job.hold.on) {
      const isOver = state.arrays.has(id) ? !outstanding.has(id) : state.job(id).phase === "finished";
      assert(!isOver, () => `job ${job.id} waits for ${id}, which is over`);
      if (!waiting.has(id)) waiting.set(id, new Set(state.dependents.waitingFor(id)));
      assert(waiting.get(id)?.has(job.id), () => `${id} does not know that job ${job.id} waits for it`);
    }
  }
}

/** That all that is over may be forgotten in time, but for that on which somebody depends. */
function checkPast(state: State): void {
  const alive = new Set<JobId>();
  const over = new Map<JobId, number>();
  const needed = new Set<JobId>();
  const unitOf = (id: JobId) => state.jobs.get(id)?.array?.id ?? id;
  for (const { id, phase, array } of state.jobs.values()) {
    const unit = array?.id ?? id;
    if (phase === "finished") over.set(unit, (over.get(unit) ?? 0) + 1);
    else alive.add(unit);
    if (phase !== "finished") for (const other of state.spec(id).dependsOn ?? []) needed.add(unitOf(other));
  }
  for (const id of alive) over.delete(id);
  let jobs = 0;
  for (const [id, count] of over) {
    jobs += count;
    assert(state.past.has(id), () => `${id} is over and not counted as past`);
    assert(state.dependents.isNeeded(id) === needed.has(id), () => `it is wrong whether a job depends on ${id}`);
  }
  assert(state.past.count === jobs, () => `${jobs} jobs are past, not ${state.past.count}`);
}

/** That nobody but those who are being stopped is where room is kept for another job. */
function checkClaims(state: State, held: ReadonlyMap<string, readonly Held[]>): void {
  const claimed = new Map<string, number>();
  let [count, shares] = [0, 0];
  for (const job of state.jobs.values()) {
    if (job.phase !== "queued" || !job.claim) continue;
    count += 1;
    assert(state.claims.get(job.id) === job.claim, `the claim of job ${job.id} is not counted`);
    for (const { node, devices, milli = WHOLE_DEVICE } of job.claim.shares) {
      shares += 1;
      assert(state.nodes.get(node)?.claims.has(job.id), `node ${node} does not know the claim of job ${job.id}`);
      for (const device of devices) claimed.set(`${node}/${device}`, (claimed.get(`${node}/${device}`) ?? 0) + milli);
    }
  }
  let known = 0;
  for (const node of state.nodes.values()) known += node.claims.size;
  assert(
    count === state.claims.size && shares === known,
    `${count} jobs have claims, and ${state.claims.size} are counted`,
  );
  for (const [slot, milli] of claimed) {
    const staying = (held.get(slot) ?? []).filter(({ job }) => job.phase !== "stopping");
    const taken = staying.reduce((sum, holder) => sum + holder.milli, milli);
    assert(taken <= WHOLE_DEVICE, `device ${slot} is kept for a job and given to another`);
  }
}
