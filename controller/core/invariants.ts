import { assert } from "../../base/assert.ts";
import type { DeviceId } from "../../base/ids.ts";
import { isHeld, type Job, type JobState, stateOf } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { noUsage, type Usage } from "./model/tenant.ts";
import { compareQueued } from "./schedule/order.ts";

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
  const held = new Map<string, Job>();
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
  queued.sort(compareQueued);
  assert(
    queued.length === state.queue.length && queued.every((job, index) => state.queue[index] === job),
    "the queue is not the queued jobs in order",
  );
  checkNodes(state, held);
}

/** That no tenant holds more than its limits. Not part of {@link checkInvariants}: a limit may be lowered below what is held. */
export function checkQuotas(state: State): void {
  for (const tenant of state.tenants.values()) {
    const usage = state.usageOf(tenant.id);
    const { limits } = tenant;
    const within = (used: number, limit: number | undefined) => limit === undefined || used <= limit;
    assert(
      within(usage.gpus, limits.gpus) &&
        within(usage.gpuMemoryMb, limits.gpuMemoryMb) &&
        within(usage.cpuCores, limits.cpuCores) &&
        within(usage.memoryMb, limits.memoryMb) &&
        within(usage.jobs, limits.concurrentJobs),
      `tenant ${tenant.id} holds ${JSON.stringify(usage)} of ${JSON.stringify(limits)}`,
    );
  }
}

function checkJob(state: State, job: Job): void {
  assert(state.specs.has(job.id), `job ${job.id} has no spec`);
  assert(state.tenants.has(job.tenantId), `job ${job.id} has no tenant`);
  const holds = job.allocations.filter(isHeld).length;
  if (job.phase === "queued" || job.phase === "held" || job.phase === "finished") {
    assert(holds === 0, `job ${job.id} is ${job.phase} and holds devices`);
    return;
  }
  assert(holds > 0, `job ${job.id} is ${job.phase} and holds nothing`);
  assert(job.attempt > 0, `job ${job.id} is ${job.phase} without an attempt`);
  const gpus = job.allocations.reduce((sum, allocation) => sum + allocation.devices.length, 0);
  assert(gpus === job.gpuCount, `job ${job.id} asked for ${job.gpuCount} GPUs and was given ${gpus}`);
  assert(
    job.allocations.every((allocation, index) => allocation.rank === index),
    `the ranks of job ${job.id} are not in order`,
  );
  if (job.phase === "running") {
    assert(job.startedAt !== undefined, `job ${job.id} runs without a start`);
    assert(
      job.allocations.every((allocation) => allocation.state.phase !== "assigned"),
      `job ${job.id} runs before all of its ranks do`,
    );
  }
}

function countHeld(state: State, job: Job, own: Usage, held: Map<string, Job>): void {
  let holds = false;
  for (const allocation of job.allocations) {
    if (!isHeld(allocation)) continue;
    holds = true;
    own.gpus += allocation.devices.length;
    own.gpuMemoryMb += allocation.gpuMemoryMb;
    own.cpuCores += allocation.cpuCores;
    own.memoryMb += allocation.memoryMb;
    for (const device of allocation.devices) {
      const slot = `${allocation.node}/${device}`;
      assert(!held.has(slot), `device ${slot} is held by ${job.id} and ${held.get(slot)?.id}`);
      held.set(slot, job);
    }
    assert(state.nodes.get(allocation.node)?.jobs.has(job.id), `node ${allocation.node} does not count ${job.id}`);
  }
  if (holds) own.jobs += 1;
}

function checkNodes(state: State, held: ReadonlyMap<string, Job>): void {
  let counted = 0;
  for (const node of state.nodes.values()) {
    const { name } = node.record;
    counted += node.held.size;
    for (const [device, holder] of node.held) {
      const job = held.get(`${name}/${device satisfies DeviceId}`);
      assert(job?.id === holder.jobId && job.attempt === holder.attempt, `device ${name}/${device} has a wrong holder`);
    }
    let cores = 0;
    let memory = 0;
    for (const id of node.jobs) {
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
