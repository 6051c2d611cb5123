import type { AllocationKey } from "../../base/ids.ts";
import type {
  AllocationListener,
  AllocationState,
  Executor,
  ExecutorHealth,
  FoundAllocation,
  LaunchSpec,
  Occupant,
  OutputPiece,
  ReadLogOptions,
} from "../../agent/executor/executor.ts";

/** An executor that starts nothing: the test says what happens to what was launched. */
export class FakeExecutor implements Executor {
  readonly name = "process";
  readonly gpuGrant = { kind: "environment", reason: "a test" } as const;
  readonly limits = { reason: "limited by nothing", missing: [] };
  readonly launched: LaunchSpec[] = [];
  readonly stopped: { key: AllocationKey; graceMs: number; reason: string }[] = [];
  readonly released: AllocationKey[] = [];
  readonly reads: { key: AllocationKey; options: ReadLogOptions }[] = [];
  found: readonly FoundAllocation[] = [];
  /** How often `recover` fails before it answers. */
  recoverFailures = 0;
  healthNow: () => Promise<ExecutorHealth> = async () => ({ ready: true, message: "" });
  releaseNow: (key: AllocationKey) => Promise<void> = async () => {};
  /** The output of every allocation. */
  output: (options: ReadLogOptions) => AsyncIterable<Uint8Array> = async function* () {};
  watched: (from: string | undefined, signal: AbortSignal) => AsyncIterable<OutputPiece> = async function* () {};
  occupantsNow: () => Promise<readonly Occupant[]> = async () => [];
  readonly reaped: Occupant[] = [];
  seesNow: () => Promise<boolean | undefined> = async () => undefined;
  closed = false;
  readonly #listener: AllocationListener;

  constructor(listener: AllocationListener) {
    this.#listener = listener;
  }

  /** Tells the agent that an allocation has changed. */
  change(key: AllocationKey, state: AllocationState): void {
    this.#listener(key, state);
  }

  async recover(): Promise<readonly FoundAllocation[]> {
    if (this.recoverFailures-- > 0) throw new Error("the engine does not answer");
    return this.found;
  }

  launch(spec: LaunchSpec): void {
    this.launched.push(spec);
  }

  stop(key: AllocationKey, graceMs: number, reason: string): void {
    this.stopped.push({ key, graceMs, reason });
  }

  async release(key: AllocationKey): Promise<void> {
    this.released.push(key);
    await this.releaseNow(key);
  }

  readLog(key: AllocationKey, options: ReadLogOptions): AsyncIterable<Uint8Array> {
    this.reads.push({ key, options });
    return this.output(options);
  }

  watchOutput(_key: AllocationKey, from: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    return this.watched(from, signal);
  }

  health(): Promise<ExecutorHealth> {
    return this.healthNow();
  }

  occupants(): Promise<readonly Occupant[]> {
    return this.occupantsNow();
  }

  async reap(occupant: Occupant): Promise<boolean> {
    this.reaped.push(occupant);
    return true;
  }

  seesDevices(): Promise<boolean | undefined> {
    return this.seesNow();
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
