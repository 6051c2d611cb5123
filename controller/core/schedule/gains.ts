import { assert } from "../../../base/assert.ts";

/** Times in one chunk before it is cut in two. */
const MAX_CHUNK = 512;

interface Entry {
  readonly at: number;
  /** How many gains there are at this time. */
  count: number;
  gpus: number;
}

interface Chunk {
  readonly entries: Entry[];
  gpus: number;
}

/**
 * How many GPUs come free at which times, in order. Kept in chunks, so that to put in a gain, to take one out and to sum up
 * those until some time all cost about the square root of how many there are.
 */
export class Gains {
  #chunks: Chunk[] = [];
  #size = 0;

  /** How many different times there are. */
  get size(): number {
    return this.#size;
  }

  /** The time that so many others are before. */
  at(index: number): number | undefined {
    let left = index;
    for (const { entries } of this.#chunks) {
      if (left < entries.length) return entries[left]?.at;
      left -= entries.length;
    }
    return undefined;
  }

  /** How many GPUs have come free by then. */
  upTo(when: number): number {
    let sum = 0;
    for (const { entries, gpus } of this.#chunks) {
      const last = entries.at(-1);
      if (last && last.at <= when) {
        sum += gpus;
        continue;
      }
      for (const entry of entries) {
        if (entry.at > when) return sum;
        sum += entry.gpus;
      }
    }
    return sum;
  }

  /** What comes free at one time may be nothing: the time counts nevertheless. */
  add(at: number, gpus: number): void {
    const place = this.#chunkOf(at);
    const chunk = this.#chunks[place] ?? this.#append();
    const { entries } = chunk;
    const index = indexIn(entries, at);
    const entry = entries[index];
    chunk.gpus += gpus;
    if (entry?.at === at) {
      entry.count += 1;
      entry.gpus += gpus;
      return;
    }
    entries.splice(index, 0, { at, count: 1, gpus });
    this.#size += 1;
    if (entries.length > MAX_CHUNK) this.#cut(place);
  }

  /** Takes out what was put in. */
  remove(at: number, gpus: number): void {
    const place = this.#chunkOf(at);
    const chunk = this.#chunks[place];
    const index = chunk ? indexIn(chunk.entries, at) : 0;
    const entry = chunk?.entries[index];
    assert(chunk && entry?.at === at, `nothing is gained at ${at}`);
    chunk.gpus -= gpus;
    entry.gpus -= gpus;
    entry.count -= 1;
    if (entry.count > 0) return;
    chunk.entries.splice(index, 1);
    this.#size -= 1;
    if (chunk.entries.length === 0) this.#chunks.splice(place, 1);
  }

  #append(): Chunk {
    const chunk: Chunk = { entries: [], gpus: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Where the time is or would be: the first chunk that does not end before it, else the last one. */
  #chunkOf(at: number): number {
    let [low, high] = [0, Math.max(0, this.#chunks.length - 1)];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.entries.at(-1)?.at ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #cut(place: number): void {
    const chunk = this.#chunks[place];
    if (!chunk) return;
    const entries = chunk.entries.splice(MAX_CHUNK / 2);
    const gpus = entries.reduce((sum, entry) => sum + entry.gpus, 0);
    chunk.gpus -= gpus;
    this.#chunks.splice(place + 1, 0, { entries, gpus });
  }
}

function indexIn(entries: readonly Entry[], at: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
