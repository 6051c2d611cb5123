import { MINUTE_MS } from "../../../base/time.ts";
import type { JobId } from "../../../base/ids.ts";
import type { Allocation } from "../model/allocation.ts";
import { type ClaimedShare, type Demand, graceEndsAt, type Job, WHOLE_DEVICE } from "../model/job.ts";
import { takesWork } from "../model/likeness.ts";
import { type Departures, freeHost, type Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { countFitting, gpuCapacity, judge, nodeObstacle, roomOn, type Share, shareOf } from "./filter.ts";
import { type Capacities, NO_CAPACITIES } from "./gang-outlook.ts";
import type { ReservedShare } from "./memory.ts";

/** What is free of a node at some time, as far as one kind of job is concerned. */
interface Free {
  gpus: number;
  cpuCores: number;
  memoryMb: number;
}

/** Room on a node that is kept for another job. */
interface Kept {
  readonly share: ReservedShare;
  readonly at: number;
  readonly until: number;
}

/**
 * When the job is expected to leave its devices. A job that has outrun its plan is taken to run as long again: with times as
 * skewed as those of jobs, what has run long goes on long (Harchol-Balter and Downey, ACM TOCS 15(3), 1997).
 */
export function expectedEnd(job: Job, now: number): number {
  if (job.phase === "stopping") {
    const endsAt = graceEndsAt(job);
    // Killed by now, and still there: as if it had only just been told.
    return endsAt > now ? endsAt : now + job.graceMs;
  }
  const begun = job.startedAt ?? job.placedAt ?? now;
  const plannedMs = Math.max(job.plan?.ms ?? MINUTE_MS, 1);
  if (begun + plannedMs > now) return begun + plannedMs;
  return begun + plannedMs * 2 ** Math.ceil(Math.log2((now - begun + 1) / plannedMs));
}

/** When a job that room is kept for is expected to leave it: it starts when its claim ends, at the latest. */
function claimEnd(state: State, id: JobId): number {
  const job = state.job(id);
  if (job.phase !== "queued" || !job.claim) return 0;
  return job.claim.until + state.planOf(state.groupOf(job)).ms;
}

/** What the node will have free for this kind of job at `when`, before anything is kept for others. */
function freeAt(state: State, node: Node, demand: Demand, when: number, now: number): Free {
  let { cpuCores, memoryMb } = freeHost(node);
  let { room } = node;
  for (const step of departuresOf(state, node, now)) {
    if (step.at > when) break;
    ({ cpuCores, memoryMb, room } = step);
  }
  return { gpus: demand.gpus === 0 ? 0 : countFitting(node, room, demand), cpuCores, memoryMb };
}

/** What will be free on the node as its work ends, and that of the jobs that room is kept for. Kept until the node changes: nothing else moves the times. */
function departuresOf(state: State, node: Node, now: number): Departures["steps"] {
  if (node.departures?.version === node.version) return node.departures.steps;
  const leaving: { readonly at: number; readonly allocation: Allocation | ClaimedShare }[] = [];
  for (const [id, allocation] of node.jobs) leaving.push({ at: expectedEnd(state.job(id), now), allocation });
  for (const [id, claimed] of node.claims) leaving.push({ at: claimEnd(state, id), allocation: claimed });
  leaving.sort((a, b) => a.at - b.at);
  const { devices } = node.record.inventory;
  let { cpuCores, memoryMb } = freeHost(node);
  const room = [...node.room];
  const places = new Map(devices.map(({ id }, index) => [id, index]));
  const steps = leaving.map(({ at, allocation }) => {
    cpuCores += allocation.cpuCores;
    memoryMb += allocation.memoryMb;
    for (const id of allocation.devices) {
      const place = places.get(id);
      if (place !== undefined && !node.withheld.has(id))
        room[place] = (room[place] ?? 0) + (allocation.milli ?? WHOLE_DEVICE);
    }
    return { at, cpuCores, memoryMb, room: [...room] };
  });
  node.departures = { version: node.version, steps };
  return steps;
}

/** What is kept on the node for others than the job, at some time. What is claimed is not free in the first place. */
function keptOn(state: State, node: Node, except: JobId | undefined): readonly Kept[] {
  const kept: Kept[] = [];
  for (const { jobId, shares, at, until } of state.scheduling.reservedOn.get(node.record.name) ?? []) {
    if (jobId === except) continue;
    for (const share of shares) if (share.node === node.record.name) kept.push({ share, at, until });
  }
  return kept;
}

/** Whether anything at all is kept on the node at some time. */
export function hasKept(state: State, node: Node): boolean {
  return state.scheduling.reservedOn.has(node.record.name);
}

/** A question about a node's future. */
export interface Stay {
  readonly demand: Demand;
  readonly share: Share;
  readonly from: number;
  readonly until: number;
  /** Whose own reservation does not stand in its way. */
  readonly jobId: JobId | undefined;
}

/**
 * Whether the share would be free on the node from `from` until `until`, with everything that is kept for others. As work
 * only ever ends, it is enough to look at the beginning and at each time at which room is kept from.
 */
export function canStay(state: State, node: Node, stay: Stay, now: number): boolean {
  const kept = keptOn(state, node, stay.jobId);
  const times = [stay.from];
  for (const { at } of kept) if (at > stay.from && at < stay.until) times.push(at);
  return times.every((when) => {
    const free = freeAt(state, node, stay.demand, when, now);
    for (const { share, at, until } of kept) {
      if (at > when || until <= when) continue;
      free.gpus -= share.gpus;
      free.cpuCores -= share.cpuCores;
      free.memoryMb -= share.memoryMb;
    }
    return covers(free, stay.share);
  });
}

/** The first time at which the node has the share free, as far as running jobs are concerned; infinity if it never has. */
export function opensAt(state: State, node: Node, demand: Demand, share: Share, now: number): number {
  const { answer } = judge(node, demand, share);
  if (answer === "fits") return 0;
  if (answer === "never" || !takesWork(node)) return Number.POSITIVE_INFINITY;
  for (const { at, cpuCores, memoryMb, room } of departuresOf(state, node, now)) {
    const gpus = share.gpus === 0 ? 0 : countFitting(node, room, demand);
    if (covers({ gpus, cpuCores, memoryMb }, share)) return at;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * The first time from which the share can stay for as long as it needs, with everything that is kept for others; undefined
 * when no such time can be told.
 */
export function firstStay(state: State, node: Node, stay: Omit<Stay, "until"> & { durationMs: number }, now: number) {
  const { durationMs, ...rest } = stay;
  const times = new Set([stay.from, ...endsOn(state, node, now)]);
  for (const { until } of keptOn(state, node, stay.jobId)) if (Number.isFinite(until)) times.add(until);
  for (const from of [...times].filter((time) => time >= stay.from).sort((a, b) => a - b)) {
    if (canStay(state, node, { ...rest, from, until: from + durationMs }, now)) return from;
  }
  return undefined;
}

/** The times at which work on the node is expected to end, in order. */
function endsOn(state: State, node: Node, now: number): readonly number[] {
  return departuresOf(state, node, now).map(({ at }) => at);
}

/** What of a gang the node can take now and as time passes, before anything is kept for others. */
export function capacitiesOf(state: State, node: Node, demand: Demand, now: number): Capacities {
  if (nodeObstacle(node, demand)) return NO_CAPACITIES;
  const later = departuresOf(state, node, now).map(({ at, cpuCores, memoryMb, room }) => {
    return { at, gpus: gpuCapacity({ gpus: countFitting(node, room, demand), cpuCores, memoryMb }, demand) };
  });
  return { free: gpuCapacity(roomOn(node, demand), demand), later };
}

/** How many of so many GPUs the node can take with everything that is kept for others. */
export function keptClear(state: State, node: Node, gpus: number, stay: Omit<Stay, "share">, now: number): number {
  let left = gpus;
  while (left > 0 && !canStay(state, node, { ...stay, share: shareOf(stay.demand, left) }, now)) left -= 1;
  return left;
}

function covers(free: Free, share: Share): boolean {
  // A job without GPUs does not mind that more of them are kept than are free of a kind it does not ask for.
  return (
    (share.gpus === 0 || free.gpus >= share.gpus) && free.cpuCores >= share.cpuCores && free.memoryMb >= share.memoryMb
  );
}
