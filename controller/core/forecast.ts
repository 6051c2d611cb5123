import type { JobId } from "../../base/ids.ts";
import { graceMsOf, type Job } from "./model/job.ts";
import { State } from "./model/state.ts";
import { Output } from "./output.ts";
import { schedule } from "./schedule/pass.ts";
import { finish, unhold } from "./transition.ts";

/** Jobs looked at in all passes of one forecast: what bounds the time that a question may take. */
const WORK_LIMIT = 100_000;

/** When a job of the forecast will have ended; infinity when nothing bounds it. */
interface End {
  readonly at: number;
  readonly id: JobId;
}

/**
 * How long until a waiting job starts, in milliseconds: the real scheduler is run forward on a copy, in which every running
 * job ends when its time limit does. Undefined when that never lets it start, because a job in the way has no limit, or when
 * the queue is too long to say.
 */
export function estimateWaitMs(state: State, id: JobId, at: number): number | undefined {
  const copy = copyOf(state);
  const out = new Output();
  let now = at;
  let ends = [...copy.jobs.values()].map((job) => endOf(copy, job, now)).filter((end) => end !== undefined);
  for (let work = 0; work < WORK_LIMIT; work += copy.queue.length + 1) {
    const before = new Set(copy.queue);
    copy.needsPass = true;
    schedule(copy, out, now);
    if (copy.job(id).phase === "starting") return now - at;
    for (const job of before) {
      const end = endOf(copy, copy.job(job.id), now);
      if (end) ends.push(end);
    }
    const nextAt = ends.reduce((earliest, end) => Math.min(earliest, end.at), Number.POSITIVE_INFINITY);
    if (!Number.isFinite(nextAt)) return undefined;
    now = Math.max(now, nextAt);
    for (const end of ends) if (end.at <= now) comeTrue(copy, out, copy.job(end.id), now);
    ends = ends.filter((end) => end.at > now);
  }
  return undefined;
}

/** What is alive, in a state of its own that no agent hears of. */
function copyOf(state: State): State {
  const copy = new State(state.settings);
  for (const [id, tenant] of state.tenants) copy.tenants.set(id, tenant);
  for (const [name, node] of state.nodes) {
    copy.nodes.set(name, {
      ...node,
      session: undefined,
      held: new Map(),
      jobs: new Set(),
      cpuCoresUsed: 0,
      memoryMbUsed: 0,
    });
  }
  for (const job of state.jobs.values()) {
    if (job.phase === "finished") continue;
    copy.specs.set(job.id, state.spec(job.id));
    copy.putJob(job);
  }
  return copy;
}

/** When the job leaves the phase it is in; undefined for a queued one, which only a pass can move. */
function endOf(state: State, job: Job, now: number): End | undefined {
  const limitMs = (state.spec(job.id).maxRuntimeMinutes ?? Number.POSITIVE_INFINITY) * 60_000;
  switch (job.phase) {
    case "held":
      return { at: job.until, id: job.id };
    case "starting":
      return { at: now + limitMs, id: job.id };
    case "running":
      return { at: (job.startedAt ?? now) + limitMs, id: job.id };
    case "stopping":
      return { at: now + graceMsOf(state.spec(job.id)), id: job.id };
    default:
      return undefined;
  }
}

function comeTrue(state: State, out: Output, job: Job, now: number): void {
  if (job.phase === "held") unhold(state, out, job);
  else finish(state, out, { ...job, allocations: [] }, { kind: "completed", exitCode: 0, message: "" }, now);
}
