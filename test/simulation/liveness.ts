import { allocationName, type NodeName } from "../../base/ids.ts";
import { isHeld } from "../../controller/core/model/allocation.ts";
import { graceEndsAt, type Job } from "../../controller/core/model/job.ts";
import type { Limits } from "../../controller/core/model/tenant.ts";
import { EPOCH_MS } from "./actor.ts";
import type { Container } from "./container.ts";
import type { World } from "./world.ts";

/** How long after the last fault the world may take to be in order. */
export const CONVERGENCE_MS = 60_000;
/** For what is on its way just then. */
const UNDER_WAY_MS = 5_000;

/** Wanted equals found: one leader that hears every node, and what runs is what the ledger says. */
export function checkConvergence(world: World): void {
  const leaders = world.controllers.filter(({ loop }) => loop !== undefined);
  if (leaders.length !== 1) world.violate(`${leaders.length} controllers lead a minute after the last fault`);
  const recentlyMs = world.timeline.now - UNDER_WAY_MS;
  for (const { container, host } of world.runs.running()) {
    const { name, spec, startedAtMs } = container;
    if (world.ledger.wanted(spec.key, host)) continue;
    if ((startedAtMs ?? 0) > recentlyMs) continue;
    world.violate(`${name} runs on ${host}, and nobody wants it`);
  }
  for (const { container } of world.runs.running()) checkLimit(world, container);
  for (const job of world.ledger.jobs.values()) checkJob(world, job, recentlyMs);
  for (const { host } of world.agents) {
    if (host.isGone) continue;
    for (const { name, endedAtMs } of host.containers.values()) {
      if (endedAtMs !== undefined && endedAtMs < recentlyMs) world.violate(`${name} is never released on ${host.name}`);
    }
  }
}

/** What may run for so long does not run for longer, and what is stopped ends within its grace. */
function checkLimit(world: World, { name, spec, startedAtMs }: Container): void {
  const job = world.ledger.jobs.get(spec.key.jobId);
  const { maxRuntimeMinutes = Number.POSITIVE_INFINITY } =
    world.ledger.specs.get(job?.array?.id ?? spec.key.jobId) ?? {};
  // A gang runs once all of its ranks do, and may wait for ever for a node that does not return.
  if (job?.phase === "starting" && isStranded(world, job)) return;
  const isNow = job?.attempt === spec.key.attempt && job.phase === "running";
  const jobStartedMs = isNow ? (job.startedAt ?? 0) - EPOCH_MS : 0;
  const ranMs = world.timeline.now - Math.max(startedAtMs ?? 0, jobStartedMs);
  if (ranMs > maxRuntimeMinutes * 60_000 + CONVERGENCE_MS) world.violate(`${name} runs for longer than it may`);
  if (job?.phase !== "stopping") return;
  const overdueMs = (leaderNow(world) ?? 0) - graceEndsAt(job);
  if (overdueMs > CONVERGENCE_MS) world.violate(`${name} runs though its grace is over`);
}

/** Every rank that holds devices runs, or is just about to. */
function checkJob(world: World, job: Job, recentlyMs: number): void {
  const last = job.history.at(-1);
  for (const allocation of job.allocations) {
    if (!isHeld(allocation) || isStranded(world, job)) continue;
    const name = allocationName({ jobId: job.id, attempt: job.attempt, rank: allocation.rank });
    const run = world.runs.get(name);
    const isUnderWay = (run?.container.endedAtMs ?? 0) > recentlyMs || changedRecently(world, last?.at);
    if (!run?.isRunning && !isUnderWay) world.violate(`${name} holds devices of ${allocation.node} and does not run`);
  }
}

/** By the leader's clock, which may differ from the world's: whatever was told lately is taken to be under way. */
function changedRecently(world: World, at: number | undefined): boolean {
  const now = leaderNow(world);
  return now !== undefined && at !== undefined && now - at < 2 * UNDER_WAY_MS + world.faults.maxStartMs;
}

function leaderNow(world: World): number | undefined {
  return world.controllers.find(({ loop }) => loop !== undefined)?.actor.wallMs();
}

/** What waits for a node that never returns waits for ever: only an operator can know that. */
export function isStranded(world: World, job: Job): boolean {
  return job.allocations.some(
    (allocation) =>
      isHeld(allocation) &&
      (!allocation.movesWhenLost || lacksMajority(world, allocation.node)) &&
      world.agents.find(({ name }) => name === allocation.node)?.host.isGone,
  );
}

/** Whether a majority that would have to be heard is gone for good. */
function lacksMajority(world: World, node: NodeName): boolean {
  const { acknowledged = 0, sent = [] } = world.ledger.nodes.get(node)?.memberships ?? {};
  return [acknowledged, ...sent].some((version) => {
    const members = world.ledger.memberships.get(version)?.members ?? [];
    const left = members.filter(({ name }) => world.agents.some((agent) => agent.name === name && !agent.host.isGone));
    return members.length > 0 && left.length * 2 <= members.length;
  });
}

/** What may still end, does not yet, and should. */
export function unfinished(world: World): Job[] {
  const open = [...world.ledger.jobs.values()].filter(({ phase }) => phase !== "finished");
  const excused = new Set(open.filter((job) => isStranded(world, job)).map(({ id }) => id));
  return open.filter((job) => !excused.has(job.id) && !waitsForStranded(world, job, excused) && fits(world, job));
}

function waitsForStranded(world: World, job: Job, excused: ReadonlySet<Job["id"]>): boolean {
  if (job.phase !== "held" || job.hold.kind !== "dependencies") return false;
  return job.hold.on.some((id) => {
    const on = world.ledger.jobs.get(id);
    return excused.has(id) || (on !== undefined && (!fits(world, on) || waitsForStranded(world, on, excused)));
  });
}

/** Whether the nodes that are left could ever run it beside what is stranded on them, and its tenant may. */
function fits(world: World, job: Job): boolean {
  if (job.phase !== "queued" && job.phase !== "held") return true;
  const spec = world.ledger.specs.get(job.array?.id ?? job.id);
  if (!spec) return true;
  const limits: Limits = world.ledger.tenants.get(job.tenantId)?.limits ?? {};
  const held = [...world.ledger.jobs.values()].filter(
    (other) => other.tenantId === job.tenantId && isStranded(world, other),
  );
  const heldGpus = held.reduce((sum, other) => sum + other.gpuCount, 0);
  if (heldGpus + spec.gpuCount > (limits.gpus ?? Number.POSITIVE_INFINITY)) return false;
  if (held.length + 1 > (limits.concurrentJobs ?? Number.POSITIVE_INFINITY)) return false;
  const stranded = [...world.ledger.jobs.values()].filter((other) => isStranded(world, other));
  const taken = new Set(
    stranded.flatMap(({ allocations }) => allocations.filter(isHeld).flatMap(({ devices }) => devices)),
  );
  const free = world.agents
    .filter(({ host }) => !host.isGone && (spec.gpuMilli === undefined || host.allowSharing))
    .map(({ host }) => host.devices.filter(({ id }) => !taken.has(id)).length);
  if (!spec.gang) return free.some((devices) => devices >= spec.gpuCount);
  const each = spec.gpusPerNode;
  if (each === undefined) return free.reduce((sum, devices) => sum + devices, 0) >= spec.gpuCount;
  return free.filter((devices) => devices >= each).length * each >= spec.gpuCount;
}
