import { MINUTE_MS } from "../../../base/time.ts";
import type { JobId } from "../../../base/ids.ts";
import { type ClaimedShare, type Demand, graceMsOf, type Job, WHOLE_DEVICE } from "../model/job.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { isSuitable, judge, type Share } from "./filter.ts";

/** What is free of a node at some time, as far as one kind of job is concerned. */
interface Free {
  gpus: number;
  cpuCores: number;
  memoryMb: number;
}

/** Room on a node that is kept for another job. */
interface Kept {
  readonly share: ClaimedShare;
  readonly at: number;
  readonly until: number;
}

/**
 * When the job is expected to leave its devices. A job that has outrun its plan is taken to run as long again: with times as
 * skewed as those of jobs, what has run long goes on long (Harchol-Balter and Downey, ACM TOCS 15(3), 1997).
 */
export function expectedEnd(state: State, job: Job, now: number): number {
  if (job.phase === "stopping") return now + graceMsOf(state.spec(job.id));
  const begun = job.startedAt ?? job.placedAt ?? now;
  const plannedMs = Math.max(job.plan?.ms ?? MINUTE_MS, 1);
  if (begun + plannedMs > now) return begun + plannedMs;
  return begun + plannedMs * 2 ** Math.ceil(Math.log2((now - begun + 1) / plannedMs));
}

/** What the node will have free for this kind of job at `when`, before anything is kept for others. */
function freeAt(state: State, node: Node, demand: Demand, when: number, now: number): Free {
  const { inventory } = node.record;
  const free: Free = {
    gpus: 0,
    cpuCores: inventory.cpuCores - node.cpuCoresUsed,
    memoryMb: inventory.memoryMb - node.memoryMbUsed,
  };
  const leaving = new Set<JobId>();
  for (const [id, allocation] of node.jobs) {
    if (expectedEnd(state, state.job(id), now) > when) continue;
    leaving.add(id);
    free.cpuCores += allocation.cpuCores;
    free.memoryMb += allocation.memoryMb;
  }
  if (demand.gpus === 0) return free;
  const blocked = new Set([...node.leftovers.values()].flat());
  for (const device of inventory.devices) {
    if (blocked.has(device.id) || node.throttling.has(device.id) || !isSuitable(device, demand)) continue;
    let milli = WHOLE_DEVICE;
    for (const holder of node.held.get(device.id) ?? []) if (!leaving.has(holder.jobId)) milli -= holder.milli;
    if (milli >= demand.milli) free.gpus += 1;
  }
  return free;
}

/** What is kept on the node for others than the job. A claim is kept from now on: its room must not be touched at all. */
function keptOn(state: State, node: Node, except: JobId | undefined): readonly Kept[] {
  const kept: Kept[] = [];
  for (const { jobId, shares, at, until } of state.scheduling.reservedOn.get(node.record.name) ?? []) {
    if (jobId === except) continue;
    for (const share of shares) if (share.node === node.record.name) kept.push({ share, at, until });
  }
  for (const [jobId, claim] of state.claims) {
    if (jobId === except) continue;
    for (const share of claim.shares) {
      if (share.node === node.record.name) kept.push({ share, at: Number.NEGATIVE_INFINITY, until: claim.until });
    }
  }
  return kept;
}

/** Whether anything at all is kept on the node. */
export function hasKept(state: State, node: Node): boolean {
  return state.claims.size > 0 || state.scheduling.reservedOn.has(node.record.name);
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
  for (const { at } of kept) {
    if (at > stay.from && at < stay.until) times.push(at);
    // Until the victims are gone, what they will leave is kept already.
    if (at === Number.NEGATIVE_INFINITY) times.push(latestGrace(state, node, now));
  }
  return times.every((when) => {
    const free = freeAt(state, node, stay.demand, when, now);
    for (const { share, at, until } of kept) {
      if (at > when || until <= when) continue;
      free.gpus -= share.gpus;
      free.cpuCores -= share.cpuCores;
      free.memoryMb -= share.memoryMb;
    }
    const { gpus, cpuCores, memoryMb } = stay.share;
    return free.gpus >= gpus && free.cpuCores >= cpuCores && free.memoryMb >= memoryMb;
  });
}

/** When everything that is being stopped on the node will be gone. */
function latestGrace(state: State, node: Node, now: number): number {
  let latest = now;
  for (const id of node.jobs.keys()) {
    const job = state.job(id);
    if (job.phase === "stopping") latest = Math.max(latest, expectedEnd(state, job, now));
  }
  return latest;
}

/** The first time at which the node has the share free, as far as running jobs are concerned; infinity if it never has. */
export function opensAt(state: State, node: Node, demand: Demand, share: Share, now: number): number {
  const { answer } = judge(node, demand, share);
  if (answer === "fits") return 0;
  if (answer === "never" || !takesWork(node)) return Number.POSITIVE_INFINITY;
  const wants = { demand, share, from: 0, until: 0, jobId: undefined };
  for (const when of endsOn(state, node, now)) {
    if (covers(freeAt(state, node, demand, when, now), wants.share)) return when;
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
export function endsOn(state: State, node: Node, now: number): readonly number[] {
  const ends = new Set<number>();
  for (const id of node.jobs.keys()) ends.add(expectedEnd(state, state.job(id), now));
  return [...ends].sort((a, b) => a - b);
}

/** How many of a gang's GPUs the node will be able to take at `when`, with everything that is kept for others. */
export function capacityAt(
  state: State,
  node: Node,
  stay: Omit<Stay, "share">,
  shareOfGpus: (gpus: number) => Share,
  now: number,
): number {
  const free = freeAt(state, node, stay.demand, stay.from, now);
  let gpus = Math.min(free.gpus, stay.demand.gpus);
  while (gpus > 0 && !covers(free, shareOfGpus(gpus))) gpus -= 1;
  if (!hasKept(state, node)) return gpus;
  while (gpus > 0 && !canStay(state, node, { ...stay, share: shareOfGpus(gpus) }, now)) gpus -= 1;
  return gpus;
}

/** Whether the node may be counted on: silent and cordoned ones may not. */
export function takesWork(node: Node): boolean {
  return node.reach === "online" && node.session !== undefined && !node.record.cordoned && node.executorReady;
}

function covers(free: Free, share: Share): boolean {
  return free.gpus >= share.gpus && free.cpuCores >= share.cpuCores && free.memoryMb >= share.memoryMb;
}
