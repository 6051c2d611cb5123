import { RequestError } from "./errors.ts";

/** Waits; resolves early, without error, when the signal aborts. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}

/**
 * The promise's outcome, or an `unavailable` error naming the operation once the deadline has passed.
 * The operation itself is told through the signal given to `start`.
 */
export async function withDeadline<T>(
  operation: string,
  deadlineMs: number,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new RequestError("unavailable", `${operation} did not answer within ${deadlineMs} ms`));
      controller.abort();
    }, deadlineMs);
  });
  try {
    return await Promise.race([start(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}
