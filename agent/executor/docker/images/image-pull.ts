import { formatDuration } from "../../../../base/time.ts";
import { type EngineClient, EngineError } from "../engine-client.ts";
import type { RegistryAuth } from "./registry-auth.ts";

/** The pull failed after it had begun; the message is Docker's. */
export class PullError extends Error {
  override readonly name = "PullError";
}

/** For too long nothing more had come of it. */
export class PullStalledError extends Error {
  override readonly name = "PullStalledError";
}

export interface PullOptions {
  readonly image: string;
  readonly auth: RegistryAuth | undefined;
  /** A pull that has not come any further for so long is given up, however long it takes in all. */
  readonly stallMs: number;
  /** Called with whole percent, each value at most once in a row. */
  onProgress(percent: number): void;
  readonly signal: AbortSignal;
}

/** @throws PullError, PullStalledError or EngineError */
export async function pullImage(engine: Pick<EngineClient, "pull">, options: PullOptions): Promise<void> {
  const { image, auth, stallMs, onProgress, signal } = options;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), stallMs);
  const progress = new PullProgress();
  try {
    for await (const line of await engine.pull(image, auth, AbortSignal.any([signal, stalled.signal]))) {
      const before = progress.percent;
      // Docker also says that it waits, and that it tries again: that is no progress.
      if (progress.add(line as PullLine)) timer.refresh();
      if (progress.percent !== before) onProgress(progress.percent);
    }
  } catch (error) {
    if (stalled.signal.aborted)
      throw new PullStalledError(`it did not come any further for ${formatDuration(stallMs)}`);
    if (error instanceof PullError || error instanceof EngineError) throw error;
    throw new PullError("the pull broke off", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** One line of a pull's answer, as far as it is used. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** How far a layer is: stages in their order, and how much of the present one is done. */
interface Layer {
  readonly stage: number;
  readonly current: number;
  /** Half of a layer is its download, the other its extraction. */
  readonly part: number;
}

/** How far a pull is, with each layer counted the same. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  #lines = 0;

  get percent(): number {
    let sum = 0;
    for (const { part } of this.#layers.values()) sum += part;
    return this.#layers.size === 0 ? 0 : Math.floor((100 * sum) / this.#layers.size);
  }

  /**
   * @returns whether the pull has come any further
   * @throws PullError when the line is the pull's failure
   */
  add(line: PullLine): boolean {
    if (line.error !== undefined) throw new PullError(line.error);
    const isFirst = this.#lines === 0;
    this.#lines += 1;
    if (line.id === undefined) return isFirst;
    const before = this.#layers.get(line.id);
    const now = layerOf(line);
    if (!now) {
      // It begins anew, and what comes then counts.
      if (before && line.status?.startsWith("Retrying")) this.#layers.set(line.id, { stage: 1, current: 0, part: 0 });
      return isFirst;
    }
    this.#layers.set(line.id, now);
    return !before || now.stage > before.stage || (now.stage === before.stage && now.current > before.current);
  }
}

function layerOf({ status, progressDetail }: PullLine): Layer | undefined {
  const { current = 0, total = 0 } = progressDetail ?? {};
  const fraction = total > 0 ? Math.min(1, current / total) : 0;
  switch (status) {
    case "Pulling fs layer":
    case "Waiting":
      return { stage: 0, current: 0, part: 0 };
    case "Downloading":
      return { stage: 1, current, part: fraction / 2 };
    case "Verifying Checksum":
      return { stage: 2, current: 0, part: 0.5 };
    case "Download complete":
      return { stage: 3, current: 0, part: 0.5 };
    case "Extracting":
      return { stage: 4, current, part: 0.5 + fraction / 2 };
    case "Pull complete":
    case "Already exists":
      return { stage: 5, current: 0, part: 1 };
    default:
      return undefined;
  }
}
