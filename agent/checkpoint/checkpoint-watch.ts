import { delay } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { AllocationState, Executor } from "../executor/executor.ts";
import { MarkerFinder } from "./marker-finder.ts";
import { Positions } from "./positions.ts";

/** The least time between two reports of an allocation: more often they say nothing new. */
const MIN_INTERVAL_MS = 10_000;
/** After a watch that ended by itself or failed: the engine may be down. */
const RETRY_MS = 5_000;

export interface CheckpointWatchOptions {
  readonly dataDir: string;
  readonly executor: Pick<Executor, "watchOutput">;
  readonly clock: Clock;
  /** A job has said that its work is safe; `atMs` is on the wall clock. */
  readonly onCheckpoint: (key: AllocationKey, atMs: number) => void;
  readonly log: Logger;
}

/** Looks for the marker of a checkpoint in the output of every running allocation. */
export class CheckpointWatch implements Service {
  readonly #options: CheckpointWatchOptions;
  readonly #positions: Positions;
  readonly #watches = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();

  #isClosed = false;

  private constructor(options: CheckpointWatchOptions, positions: Positions) {
    this.#options = options;
    this.#positions = positions;
  }

  static async open(options: CheckpointWatchOptions): Promise<CheckpointWatch> {
    return new CheckpointWatch(options, await Positions.open(options.dataDir, options.log));
  }

  /** What the executor tells of an allocation: it is watched for as long as it runs. */
  onChange(key: AllocationKey, { phase }: Pick<AllocationState, "phase">): void {
    const name = allocationName(key);
    if (phase === "running" && !this.#isClosed && !this.#watches.has(name)) {
      const stop = new AbortController();
      this.#watches.set(name, { stop, ended: this.#watch(key, name, stop.signal) });
    }
    if (phase !== "ended") return;
    this.#watches.get(name)?.stop.abort();
    this.#watches.delete(name);
    this.#positions.delete(name);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const watches = [...this.#watches.values()];
    for (const { stop } of watches) stop.abort();
    await Promise.all(watches.map(({ ended }) => ended));
    await this.#positions.close();
  }

  async #watch(key: AllocationKey, name: string, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const seen = { position: this.#positions.get(name), reportedAtMs: Number.NEGATIVE_INFINITY };
    while (!signal.aborted) {
      try {
        await this.#read(key, seen, signal);
      } catch (error) {
        if (!signal.aborted) log.debug({ ...key, reason: messageOf(error) }, "the output cannot be watched now");
      }
      await delay(RETRY_MS, signal);
    }
  }

  async #read(
    key: AllocationKey,
    seen: { position: string | undefined; reportedAtMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { executor, clock, onCheckpoint } = this.#options;
    const finder = new MarkerFinder();
    for await (const { stream, data, atMs, position } of executor.watchOutput(key, seen.position, signal)) {
      if (signal.aborted) return;
      seen.position = position;
      if (!finder.find(stream, data) || clock.monotonicMs() - seen.reportedAtMs < MIN_INTERVAL_MS) continue;
      seen.reportedAtMs = clock.monotonicMs();
      this.#positions.set(allocationName(key), position);
      onCheckpoint(key, Math.min(atMs ?? clock.wallMs(), clock.wallMs()));
    }
  }
}
