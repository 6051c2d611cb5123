import { HOUR_MS, MINUTE_MS } from "../../base/time.ts";
import type { AllocationEnd } from "../core/model/allocation.ts";
import type { OwnEnd } from "../replay/workload.ts";
import type { AttemptRun } from "./run-times.ts";
import type { Submission } from "./workload.ts";

/**
 * How a job's true running time is known.
 *
 * - `whole`: it ended by itself
 * - `at-least`: it still ran when the journal ended, or was stopped and never ran to its end: it is taken to end just then
 * - `until-limit`: its limit ended it, and ends it again
 * - `until-cancelled`: its user ended it, and ends it at the same time again
 * - `guessed`: it never ran: it is taken to run as long as half of its tenant's jobs that ended by themselves did
 */
export type Certainty = "whole" | "at-least" | "until-limit" | "until-cancelled" | "guessed";

/** What a job comes to each time that it is left alone, and how sure that is. Times in milliseconds of running. */
export interface RunTruth extends OwnEnd {
  readonly failures: readonly OwnEnd[];
  readonly certainty: Certainty;
}

/** Of jobs of which nothing is known, where none has run to its end. */
const UNKNOWN_MS = HOUR_MS;

/**
 * What would become of the job on another cluster. Time that it ran before the journal is not counted: the rerun begins
 * where the journal does.
 *
 * @param beginsAt of the journal: milliseconds since the epoch
 */
export function runTruthOf(submission: Submission, guess: RuntimeGuess, beginsAt: number): RunTruth {
  const attempts = withKept(submission.attempts.map((attempt) => fromBeginning(attempt, beginsAt)));
  const ends = attempts.filter(({ isWhole }) => isWhole).map(ownEndOf);
  const afterwards = attempts.slice(attempts.findLastIndex(({ isWhole }) => isWhole) + 1);
  const last = ends.at(-1);
  const wasTriedAgain = (afterwards.length > 0 || submission.outcome === undefined) && last?.exitCode !== 0;
  if (last && !wasTriedAgain) return { ...last, failures: ends.slice(0, -1), certainty: "whole" };
  return { ...cutShort(submission, afterwards, guess), failures: ends };
}

/** What is to be said of a job whose newest attempt did not come to its own end. */
function cutShort(
  { cancelledAt, outcome, wasIdle, spec }: Submission,
  attempts: readonly AttemptRun[],
  guess: RuntimeGuess,
): Omit<RunTruth, "failures"> {
  const limitMs = spec.maxRuntimeMinutes === undefined ? undefined : spec.maxRuntimeMinutes * MINUTE_MS;
  const [longest] = attempts.toSorted((a, b) => b.runMs - a.runMs);
  const endless = { runMs: Number.POSITIVE_INFINITY, checkpointsMs: longest?.checkpointsMs ?? [] };
  if (cancelledAt !== undefined) return { ...endless, certainty: "until-cancelled" };
  if (longest) {
    if (outcome === "failed" && limitMs !== undefined && !wasIdle) return { ...endless, certainty: "until-limit" };
    return { runMs: longest.runMs, checkpointsMs: longest.checkpointsMs, certainty: "at-least" };
  }
  // It ended before anybody heard that it ran, or could not start at all.
  if (outcome !== undefined) return { runMs: 0, exitCode: outcome === "completed" ? 0 : 1, certainty: "whole" };
  return { runMs: guess.of(spec.tenantId), certainty: "guessed" };
}

/** What of the attempt is in the journal's time. */
export function fromBeginning(attempt: AttemptRun, beginsAt: number): AttemptRun {
  const beforeMs = Math.max(0, beginsAt - attempt.startedAt);
  const checkpointsMs = attempt.checkpointsMs.map((ms) => ms - beforeMs).filter((ms) => ms > 0);
  return { ...attempt, runMs: Math.max(0, attempt.runMs - beforeMs), checkpointsMs };
}

/** Each attempt as it would have run had those before it not been stopped: it went on from the last checkpoint. */
function withKept(attempts: readonly AttemptRun[]): readonly AttemptRun[] {
  let before: readonly number[] = [];
  return attempts.map((attempt) => {
    const keptMs = before.at(-1) ?? 0;
    const checkpointsMs = [...before, ...attempt.checkpointsMs.map((ms) => keptMs + ms)];
    before = attempt.isWhole ? [] : checkpointsMs;
    return { ...attempt, runMs: keptMs + attempt.runMs, checkpointsMs };
  });
}

function ownEndOf({ runMs, end, checkpointsMs }: AttemptRun): OwnEnd & { readonly exitCode: number } {
  return { runMs, exitCode: exitCodeOf(end), checkpointsMs };
}

/** As a shell would tell it. */
function exitCodeOf(end: AllocationEnd | undefined): number {
  if (end?.kind !== "exited") return 1;
  if (end.outOfMemory && end.exitCode === 0) return 137;
  return end.exitCode ?? 128 + (end.signal ?? 0);
}

/** How long jobs run of which nothing is known: the median of what is known of their tenant's, else of everybody's. */
export class RuntimeGuess {
  readonly #byTenant: ReadonlyMap<string, number>;
  readonly #all: number;

  constructor(submissions: readonly Submission[]) {
    const ran = submissions.flatMap(({ spec, attempts }) => {
      const whole = attempts.findLast(({ isWhole }) => isWhole);
      return whole ? [{ tenant: spec.tenantId, runMs: whole.runMs }] : [];
    });
    const byTenant = Map.groupBy(ran, ({ tenant }) => tenant);
    this.#byTenant = new Map([...byTenant].map(([tenant, runs]) => [tenant, median(runs.map(({ runMs }) => runMs))]));
    this.#all = ran.length === 0 ? UNKNOWN_MS : median(ran.map(({ runMs }) => runMs));
  }

  /** In milliseconds. */
  of(tenant: string): number {
    return this.#byTenant.get(tenant) ?? this.#all;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}
