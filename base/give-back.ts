/** Memory that a process has mapped and does not need any more, given back to the system. */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { LibraryHandle } from "koffi";
import { delay } from "./abort.ts";
import type { Service } from "./service.ts";
import { MINUTE_MS, SECOND_MS } from "./time.ts";

const MADV_DONTNEED = 4;
/** When what only a start needs is over, as a rule, and when it is on a slow host; then again and again. */
const PAUSES_MS = [15 * SECOND_MS, 30 * SECOND_MS];
const EVERY_MS = MINUTE_MS;

/**
 * Gives back, now and then, what was needed once: objects, and the pages of code that were touched, most of which are for the
 * start of Node.js alone. What is needed again is read from the page cache. For processes that are to be small, and have nothing
 * to do most of the time: it takes some milliseconds.
 */
export function giveBackMemory(): Service {
  const closing = new AbortController();
  const running = repeat(closing.signal);
  return {
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

async function repeat(signal: AbortSignal): Promise<void> {
  const system = await loadSystem();
  if (!system) return;
  for (let round = 0; ; round += 1) {
    await delay(PAUSES_MS[round] ?? EVERY_MS, signal);
    if (signal.aborted) return;
    collectGarbage();
    system.trim?.(0);
    for (const { start, end } of unchangedMappings(await readFile("/proc/self/smaps", "utf8"))) {
      system.madvise(start, end - start, MADV_DONTNEED);
    }
  }
}

/** What a start leaves behind would stay until somebody needs the room. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

interface System {
  readonly madvise: (start: bigint, length: bigint, advice: number) => number;
  /** What was freed, handed back by the C library; only glibc has it. */
  readonly trim: ((pad: number) => number) | undefined;
}

/** Undefined where koffi has no binary for this platform: then nothing is given back. */
async function loadSystem(): Promise<System | undefined> {
  try {
    const { load } = await import("koffi");
    // Whatever C library the process has.
    const library = load(null);
    return { madvise: library.func("int madvise(uintptr_t, size_t, int)"), trim: trimOf(library) };
  } catch {
    return undefined;
  }
}

function trimOf(library: LibraryHandle): System["trim"] {
  try {
    return library.func("int malloc_trim(size_t)");
  } catch {
    return undefined;
  }
}

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
}

/** Those of files that are only read and have not one page of the process's own: they can be read again as they were. */
export function unchangedMappings(smaps: string): readonly Mapping[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((entry) => {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +\/.*$/m.exec(entry) ?? [];
    const isUnchanged = /^Anonymous: +0 kB$/m.test(entry) && /^Private_Dirty: +0 kB$/m.test(entry);
    if (start === undefined || end === undefined || !isUnchanged) return [];
    return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
  });
}
