import { type AllocationKey, allocationName, type JobId } from "../../base/ids.ts";
import type { AllocationReport } from "../core/input.ts";
import type { AllocationEnd } from "../core/model/allocation.ts";

/** One try at a job that began on all of its nodes. Times are the agents' clocks, in milliseconds since the epoch. */
export interface AttemptRun {
  readonly attempt: number;
  /** When its last rank began. */
  readonly startedAt: number;
  /** From then to its end, or to the journal's end if it still ran there. */
  readonly runMs: number;
  /** Whether it ended by itself: else it was stopped, lost or still running, and could have run for longer. */
  readonly isWhole: boolean;
  /** How it ended; undefined if it had not. */
  readonly end: AllocationEnd | undefined;
  /** When it said that all it had done was safe, in order: milliseconds since it began. */
  readonly checkpointsMs: readonly number[];
}

interface RankRun {
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly end: AllocationEnd | undefined;
  /** Told to stop before it told its end. */
  readonly wasStopped: boolean;
}

/** How long attempts really ran, from what agents report: their own clocks, whatever the way to the controller took. */
export class RunTimes {
  readonly #ranks = new Map<string, RankRun>();
  readonly #sizes = new Map<string, number>();
  /** Of each attempt, in order: milliseconds since the epoch. */
  readonly #checkpoints = new Map<string, number[]>();

  /** The attempt was placed with so many ranks. */
  noteSize(jobId: JobId, attempt: number, ranks: number): void {
    this.#sizes.set(`${jobId}-${attempt}`, ranks);
  }

  noteStart(key: AllocationKey, startedAt: number): void {
    const rank = this.#rank(key);
    if (rank.startedAt === undefined) this.#ranks.set(allocationName(key), { ...rank, startedAt });
  }

  /** The same one may be told again. */
  noteCheckpoint(jobId: JobId, attempt: number, at: number): void {
    const known = this.#checkpoints.get(`${jobId}-${attempt}`) ?? [];
    this.#checkpoints.set(`${jobId}-${attempt}`, known);
    if (at > (known.at(-1) ?? 0)) known.push(at);
  }

  noteReport({ key, state }: AllocationReport): void {
    if (state.phase === "starting") return;
    if (state.startedAt !== undefined) this.noteStart(key, state.startedAt);
    const rank = this.#rank(key);
    // An end is told again until the controller has it.
    if (state.phase !== "ended" || rank.end) return;
    this.#ranks.set(allocationName(key), { ...rank, endedAt: state.endedAt, end: state.end });
  }

  /** Call it after the reports of the same batch: those were made before the agent could hear of it. */
  noteStop(key: AllocationKey): void {
    const rank = this.#rank(key);
    if (!rank.end) this.#ranks.set(allocationName(key), { ...rank, wasStopped: true });
  }

  /**
   * The attempts of a job that began on all of their nodes, in their order.
   *
   * @param attempts how many there were
   * @param until what still runs is counted up to here: milliseconds since the epoch
   */
  attemptsOf(jobId: JobId, attempts: number, until: number): readonly AttemptRun[] {
    const runs: AttemptRun[] = [];
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const size = this.#sizes.get(`${jobId}-${attempt}`) ?? 0;
      const ranks = Array.from({ length: size }, (_, rank) => this.#rank({ jobId, attempt, rank }));
      const starts = ranks.flatMap(({ startedAt }) => startedAt ?? []);
      if (size === 0 || starts.length < size) continue;
      const checkpoints = this.#checkpoints.get(`${jobId}-${attempt}`) ?? [];
      runs.push(runOf({ attempt, startedAt: Math.max(...starts), ranks, checkpoints }, until));
    }
    return runs;
  }

  #rank(key: AllocationKey): RankRun {
    const none = { startedAt: undefined, endedAt: undefined, end: undefined, wasStopped: false };
    return this.#ranks.get(allocationName(key)) ?? none;
  }
}

interface Begun {
  readonly attempt: number;
  readonly startedAt: number;
  readonly ranks: readonly RankRun[];
  readonly checkpoints: readonly number[];
}

/** A gang ends by itself when all of its ranks do, or when the first of them fails. */
function runOf({ attempt, startedAt, ranks, checkpoints }: Begun, until: number): AttemptRun {
  const run = (rank: RankRun | undefined, isWhole: boolean): AttemptRun => {
    const runMs = Math.max(0, (rank?.endedAt ?? until) - startedAt);
    const checkpointsMs = checkpoints.map((at) => at - startedAt).filter((ms) => ms > 0 && ms <= runMs);
    return { attempt, startedAt, runMs, isWhole, end: rank?.end, checkpointsMs };
  };
  const ended = ranks.filter(({ end }) => end !== undefined).toSorted((a, b) => endOf(a, until) - endOf(b, until));
  const failed = ended.find((rank) => endedByItself(rank) && !succeeded(rank));
  if (failed) return run(failed, true);
  if (ended.length < ranks.length) return run(undefined, false);
  return run(ended.at(-1), ended.every(endedByItself));
}

function endOf({ endedAt }: RankRun, until: number): number {
  return endedAt ?? until;
}

function endedByItself({ end, wasStopped }: RankRun): boolean {
  return end?.kind === "exited" && !wasStopped;
}

function succeeded({ end }: RankRun): boolean {
  return end?.kind === "exited" && end.exitCode === 0;
}
