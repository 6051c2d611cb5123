import { MINUTE_MS } from "../../../base/time.ts";
import { type EngineClient, EngineError } from "./engine-client.ts";

const IDLE_DEADLINE_MS = 5 * MINUTE_MS;

/** The pull failed after it had begun; the message is Docker's. */
export class PullError extends Error {
  override readonly name = "PullError";
}

/**
 * Pulls the image unless nothing comes for five minutes.
 *
 * @param onProgress called with whole percent, each value at most once in a row
 * @throws PullError or EngineError
 */
export async function pullImage(
  engine: Pick<EngineClient, "pull">,
  image: string,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), IDLE_DEADLINE_MS);
  const progress = new PullProgress();
  try {
    for await (const line of await engine.pull(image, AbortSignal.any([signal, idle.signal]))) {
      timer.refresh();
      const before = progress.percent;
      progress.add(line as PullLine);
      if (progress.percent !== before) onProgress(progress.percent);
    }
  } catch (error) {
    if (error instanceof PullError || error instanceof EngineError) throw withIdleReason(error, idle.signal);
    throw withIdleReason(new PullError("the pull broke off", { cause: error }), idle.signal);
  } finally {
    clearTimeout(timer);
  }
}

function withIdleReason(error: Error, idle: AbortSignal): Error {
  return idle.aborted
    ? new PullError(`nothing came for ${IDLE_DEADLINE_MS / MINUTE_MS} minutes`, { cause: error })
    : error;
}

/** One line of a pull's answer, as far as it is used. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** How far a pull is: each layer counts the same, half for its download and half for its extraction. */
export class PullProgress {
  readonly #layers = new Map<string, number>();

  get percent(): number {
    let sum = 0;
    for (const part of this.#layers.values()) sum += part;
    return this.#layers.size === 0 ? 0 : Math.floor((100 * sum) / this.#layers.size);
  }

  /** @throws PullError when the line is the pull's failure */
  add(line: PullLine): void {
    if (line.error !== undefined) throw new PullError(line.error);
    const part = partDone(line);
    if (line.id !== undefined && part !== undefined) this.#layers.set(line.id, part);
  }
}

function partDone({ status, progressDetail }: PullLine): number | undefined {
  const { current = 0, total = 0 } = progressDetail ?? {};
  const fraction = total > 0 ? Math.min(1, current / total) : 0;
  switch (status) {
    case "Pulling fs layer":
    case "Waiting":
      return 0;
    case "Downloading":
      return fraction / 2;
    case "Verifying Checksum":
    case "Download complete":
      return 0.5;
    case "Extracting":
      return 0.5 + fraction / 2;
    case "Pull complete":
    case "Already exists":
      return 1;
    default:
      return undefined;
  }
}
