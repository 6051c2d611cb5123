import { Samples } from "./samples.ts";

export interface Rate {
  readonly perSecond: number;
  readonly count: number;
  /** How long each call took, in milliseconds. */
  readonly latencies: Samples;
}

export interface InFlightOptions {
  /** Calls under way at any moment: each that ends is followed by the next. */
  readonly inFlight: number;
  /** Done before, and not counted: the just-in-time compiler is at work. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** How many calls a second go through when so many are always under way. A call that fails ends the measurement. */
export async function measureRate(options: InFlightOptions, call: () => Promise<unknown>): Promise<Rate> {
  const { inFlight, warmUpMs, measureMs } = options;
  if (warmUpMs > 0) await runFor(inFlight, warmUpMs, call);
  return runFor(inFlight, measureMs, call);
}

async function runFor(inFlight: number, durationMs: number, call: () => Promise<unknown>): Promise<Rate> {
  const latencies = new Samples();
  const startMs = performance.now();
  let hasFailed = false;
  const repeat = async (): Promise<void> => {
    while (!hasFailed && performance.now() - startMs < durationMs) {
      const callMs = performance.now();
      await call();
      latencies.add(performance.now() - callMs);
    }
  };
  const clients = Array.from({ length: inFlight }, () =>
    repeat().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  await Promise.all(clients);
  const seconds = (performance.now() - startMs) / 1_000;
  return { perSecond: latencies.count / seconds, count: latencies.count, latencies };
}
