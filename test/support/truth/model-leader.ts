import type { Command, Report } from "../../../agent/core/input.ts";
import { type AllocationKey, allocationName, asDeviceId, asJobId, type DeviceId } from "../../../base/ids.ts";
import { launchSpec } from "../allocation-log.ts";

interface Attempt {
  readonly key: AllocationKey;
  readonly deviceIds: readonly DeviceId[];
  state: "wanted" | "stopping" | "over";
  hasRun: boolean;
}

/** What a leader has on one node, and what it says about what it is told. The jobs of each are called the same, as in two clusters. */
export class ModelLeader {
  readonly #attempts = new Map<string, Attempt>();
  readonly #deviceIds: readonly DeviceId[];
  #jobs = 0;

  constructor(deviceIds: readonly string[]) {
    this.#deviceIds = deviceIds.map(asDeviceId);
  }

  attempts(): readonly Readonly<Attempt>[] {
    return [...this.#attempts.values()];
  }

  /** It may run: it was not stopped, and its end was not told. */
  wants(key: AllocationKey): boolean {
    return this.#attempts.get(allocationName(key))?.state === "wanted";
  }

  /** A new job, or another attempt of one that is over, on devices that no other holds. */
  launch(isRetry: boolean, devices: number): Command | undefined {
    const held = this.attempts().flatMap(({ state, deviceIds }) => (state === "over" ? [] : deviceIds));
    const free = this.#deviceIds.filter((id) => !held.includes(id));
    if (free.length < devices) return undefined;
    const last = this.attempts().findLast(({ state }) => state === "over");
    const newest =
      last &&
      Math.max(
        ...this.attempts()
          .filter((it) => it.key.jobId === last.key.jobId)
          .map((it) => it.key.attempt),
      );
    const isOver = last && newest === last.key.attempt;
    this.#jobs += 1;
    const key =
      isRetry && isOver
        ? { ...last.key, attempt: last.key.attempt + 1 }
        : { jobId: asJobId(`job-${this.#jobs}`), attempt: 1, rank: 0 };
    const attempt: Attempt = { key, deviceIds: free.slice(0, devices), state: "wanted", hasRun: false };
    this.#attempts.set(allocationName(key), attempt);
    return launchOf(attempt);
  }

  stop(key: AllocationKey): Command {
    const attempt = this.#attempts.get(allocationName(key));
    if (attempt?.state === "wanted") attempt.state = "stopping";
    return { kind: "stop", key, graceMs: 0, reason: "cancelled" };
  }

  /** What it answers a report. */
  onReport({ key, state }: Report): Command | undefined {
    const attempt = this.#attempts.get(allocationName(key));
    if (state.phase === "ended") {
      if (attempt) attempt.state = "over";
      return { kind: "release", key };
    }
    if (attempt && state.phase === "running") attempt.hasRun = true;
    return attempt?.state === "wanted" ? undefined : { kind: "stop", key, graceMs: 0, reason: "not wanted" };
  }

  /** An agent begins anew: what it does not know any more is launched again if it never ran, else it is lost. */
  onHello(reports: readonly Report[]): readonly Command[] {
    const told = new Set(reports.map(({ key }) => allocationName(key)));
    const missing = [...this.#attempts.values()].filter(
      ({ key, state }) => state !== "over" && !told.has(allocationName(key)),
    );
    const again = missing.filter(({ state, hasRun }) => state === "wanted" && !hasRun);
    for (const attempt of missing) if (!again.includes(attempt)) attempt.state = "over";
    return [...again.map(launchOf), ...reports.flatMap((report) => this.onReport(report) ?? [])];
  }
}

function launchOf({ key, deviceIds }: Attempt): Command {
  return { kind: "launch", spec: { ...launchSpec({ key, script: "" }), deviceIds } };
}
