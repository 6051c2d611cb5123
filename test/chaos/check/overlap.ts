/** Nothing runs twice, and no device is given to two at once. */
import type { RunNote } from "../workload/job-script.ts";
import type { Run } from "./runs.ts";

/** Sentences about runs that should not have been at the same time. */
export function findOverlaps(notes: readonly RunNote[], runs: readonly Run[]): string[] {
  const seen = notes
    .filter(({ event }) => event === "overlap")
    .map((note) => `${note.jobId}: attempt ${note.attempt} began on ${note.node} while ${note.detail} held its lock`);
  const attempts = Map.groupBy(runs, ({ jobId, attempt, rank }) => `${jobId}, attempt ${attempt}, rank ${rank}`);
  const twice = [...attempts].filter(([, same]) => same.length > 1);
  const byJob = Map.groupBy(runs, ({ jobId }) => jobId);
  const byDevice = Map.groupBy(
    runs.flatMap((run) => run.gpus.map((gpu) => ({ ...run, device: `${run.node}/${gpu}` }))),
    ({ device }) => device,
  );
  return [
    ...seen,
    ...twice.map(([what, same]) => `${what} was started ${same.length} times: ${JSON.stringify(same)}`),
    ...[...byJob].flatMap(([job, own]) =>
      pairs(own, isOtherAttempt).map((pair) => `${job} ran twice at once: ${pair}`),
    ),
    ...[...byDevice].flatMap(([device, own]) => pairs(own, isOther).map((pair) => `${device} had two jobs: ${pair}`)),
  ];
}

function isOtherAttempt(one: Run, other: Run): boolean {
  return one.attempt !== other.attempt;
}

function isOther(one: Run, other: Run): boolean {
  return one.jobId !== other.jobId || one.attempt !== other.attempt;
}

/** Those of which one began before the other had ended. */
function pairs(runs: readonly Run[], areApart: (one: Run, other: Run) => boolean): string[] {
  const ordered = runs.toSorted((one, other) => one.startMs - other.startMs);
  return ordered.flatMap((one, index) =>
    ordered
      .slice(index + 1)
      .filter((other) => other.startMs < one.lastMs && areApart(one, other))
      .map((other) => `${JSON.stringify(one)} and ${JSON.stringify(other)}`),
  );
}
