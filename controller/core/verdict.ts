import { exponentialBackoffMs } from "../../base/backoff.ts";
import type { Allocation, AllocationEnd } from "./model/allocation.ts";
import { demandOf, type Job, type JobSpec, type Verdict } from "./model/job.ts";

const RETRY_BASE_MS = 10_000;
const RETRY_MAX_MS = 300_000;
const START_FAILURE_BASE_MS = 2_000;
const START_FAILURE_MAX_MS = 60_000;

/** After so many attempts in a row that no machine could start, the job itself is suspected and fails. */
export const MAX_START_FAILURES = 5;

/** After so many attempts under which a device broke, a job is taken for what breaks them. */
export const MAX_DEVICE_LOSSES = 5;

/**
 * What the end of one rank means for its job.
 *
 * @param allocations as they are with this end
 * @returns undefined while the job simply goes on: other ranks still run
 */
export function verdictOn(
  spec: JobSpec,
  job: Job,
  allocations: readonly Allocation[],
  end: AllocationEnd,
): Verdict | undefined {
  switch (end.kind) {
    case "exited":
      if (end.exitCode !== 0 || end.outOfMemory) return onFailure(spec, job, end);
      return allocations.every(hasSucceeded) ? { kind: "completed", exitCode: 0, message: "exit code 0" } : undefined;
    case "bad-request":
      return { kind: "failed", message: end.message };
    case "fenced":
      return { kind: "requeue", message: end.message, delayMs: 0 };
    case "node":
      return end.failedDevices ? onBrokenDevice(job, end.message) : onNodeFailure(job, allocations, end.message);
  }
}

function hasSucceeded(allocation: Allocation): boolean {
  const { state } = allocation;
  return state.phase === "ended" && state.end.kind === "exited" && state.end.exitCode === 0;
}

/** A failure of the user's doing: counted against `max_retries`. Backoff 10 s × 2ⁿ up to 5 min. */
function onFailure(spec: JobSpec, job: Job, end: AllocationEnd & { kind: "exited" }): Verdict {
  const message = describeExit(spec, end);
  if (job.retries < (spec.maxRetries ?? 0)) {
    return { kind: "retry", message, delayMs: exponentialBackoffMs(job.retries, RETRY_BASE_MS, RETRY_MAX_MS) };
  }
  return { kind: "failed", exitCode: end.exitCode, signal: end.signal, message };
}

/** `exit code 137: out of memory (limit 32000 MB)` */
function describeExit(spec: JobSpec, end: AllocationEnd & { kind: "exited" }): string {
  if (end.exitCode === undefined) return end.message || "ended, but its exit code was lost";
  const what = end.outOfMemory ? `out of memory (limit ${demandOf(spec).memoryMb} MB)` : end.message;
  return what ? `exit code ${end.exitCode}: ${what}` : `exit code ${end.exitCode}`;
}

/** A device broke under the job: not counted against the user, until it has happened so often that the job itself is suspected. */
function onBrokenDevice({ deviceLosses = 0 }: Job, message: string): Verdict {
  const losses = deviceLosses + 1;
  if (losses >= MAX_DEVICE_LOSSES) {
    return { kind: "failed", message: `${message} (${losses} attempts were lost to devices that became unhealthy)` };
  }
  return { kind: "requeue", message: `${message} (loss ${losses} of ${MAX_DEVICE_LOSSES})`, delayMs: 0 };
}

/** A failure of the machine's: not counted against the user, until too many in a row never even started. */
function onNodeFailure(job: Job, allocations: readonly Allocation[], message: string): Verdict {
  const ran = allocations.some((a) => a.state.phase !== "assigned" && a.state.startedAt !== undefined);
  if (ran) return { kind: "requeue", message, delayMs: 0 };
  const failures = job.startFailures + 1;
  if (failures >= MAX_START_FAILURES) {
    return { kind: "failed", message: `${message} (${failures} attempts could not start)` };
  }
  const delayMs = exponentialBackoffMs(job.startFailures, START_FAILURE_BASE_MS, START_FAILURE_MAX_MS);
  return { kind: "requeue", message: `${message} (attempt ${failures} of ${MAX_START_FAILURES})`, delayMs };
}
