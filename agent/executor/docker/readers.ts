import { delay } from "../../../base/abort.ts";

/** Those who read a container's output: it stays until they have all of it, unless one takes too long. */
export class Readers {
  /** By allocation name. */
  readonly #present = new Map<string, Set<AbortController>>();
  /** Aborts at the next departure. */
  #departure = new AbortController();

  /** A reader comes: `cut` aborts when the container goes without waiting any longer. `leave` must be called. */
  enter(allocation: string): { readonly cut: AbortSignal; leave(): void } {
    const present = this.#present.get(allocation) ?? new Set();
    const reader = new AbortController();
    this.#present.set(allocation, present.add(reader));
    const leave = (): void => {
      present.delete(reader);
      if (present.size === 0) this.#present.delete(allocation);
      const departure = this.#departure;
      this.#departure = new AbortController();
      departure.abort();
    };
    return { cut: reader.signal, leave };
  }

  /** Resolves when nobody who is there now reads any more. Those who still do after so long are cut off. */
  async clear(allocation: string, withinMs: number, signal: AbortSignal): Promise<void> {
    const present = [...(this.#present.get(allocation) ?? [])];
    const areReading = (): boolean => present.some((reader) => this.#present.get(allocation)?.has(reader));
    for (const until = performance.now() + withinMs; areReading() && !signal.aborted; ) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) break;
      await delay(leftMs, AbortSignal.any([this.#departure.signal, signal]));
    }
    for (const reader of present) reader.abort();
  }
}
