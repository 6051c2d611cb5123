import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { MINUTE_MS } from "../../base/time.ts";
import type { DeviceEvent, DeviceList, DeviceReading, DeviceSource } from "./device-source.ts";
import { noDevices } from "./none.ts";
import { SourceAbsentError } from "./source-absent.ts";

/** While one answers that is not the best: so often the better ones are tried again. */
const LOOK_FOR_BETTER_MS = 5 * MINUTE_MS;
/** After so many failures in a row another source may take over, if it has devices. */
const FAILURES_BEFORE_OTHERS = 3;
/** So often one is tried for which nothing speaks. */
const TRY_ANYWAY_EVERY = 10;
const NONE = Number.POSITIVE_INFINITY;

/** A way to read devices. */
export interface Candidate {
  /** A cheap guess whether it is worth trying: for a host that will never have any. */
  readonly mayBeThere: () => Promise<boolean>;
  /** @param before what was said of those that were tried before it; empty if none was */
  readonly make: (before: string) => DeviceSource;
}

type Attempt =
  | { readonly source: DeviceSource; readonly list: DeviceList }
  | { readonly source: DeviceSource; readonly list: undefined; readonly error: unknown; readonly why: string };

/**
 * The first of several sources that has devices. One that is there but fails is kept, and its lists fail until it
 * recovers: a host whose GPUs are out of order is not one without GPUs. While there is none, every list looks again, so
 * that a driver that comes later is found.
 */
export class FoundSource implements DeviceSource {
  readonly #candidates: readonly Candidate[];
  readonly #log: Logger;
  #chosen: DeviceSource = noDevices("devices have not been looked for yet");
  #rank = NONE;
  #failures = 0;
  #looks = 0;
  #lookForBetterAtMs = 0;
  /** What was said of each candidate when it was tried last. */
  readonly #whys = new Map<number, string>();
  #listing: Promise<DeviceList> | undefined;
  /** One of which it is not known yet whether it has devices. */
  #trying: DeviceSource | undefined;
  #isClosed = false;
  /** Of the source that was given up. */
  #events: readonly DeviceEvent[] = [];

  constructor(candidates: readonly Candidate[], log: Logger) {
    this.#candidates = candidates;
    this.#log = log;
  }

  get name(): DeviceSource["name"] {
    return this.#chosen.name;
  }

  get reason(): string {
    return this.#chosen.reason;
  }

  get driverVersion(): string {
    return this.#chosen.driverVersion;
  }

  get cudaVersion(): string {
    return this.#chosen.cudaVersion;
  }

  /** Whoever asks meanwhile gets the same answer. */
  list(): Promise<DeviceList> {
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  read(): Promise<readonly DeviceReading[]> {
    return this.#chosen.read();
  }

  events(): readonly DeviceEvent[] {
    const before = this.#events;
    this.#events = [];
    return [...before, ...this.#chosen.events()];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#chosen.close(), this.#trying?.close()]);
    await this.#listing?.catch(() => undefined);
  }

  async #list(): Promise<DeviceList> {
    if (this.#rank > 0 && performance.now() >= this.#lookForBetterAtMs) {
      const found = await this.#look((rank) => rank < this.#rank);
      if (found) return found;
    }
    try {
      const list = await this.#chosen.list();
      this.#failures = 0;
      if (isEmpty(list) && this.#rank !== NONE) await this.#take(noDevices(`${this.name} lists no device`), NONE);
      return list;
    } catch (error) {
      this.#failures += 1;
      const isAbsent = error instanceof SourceAbsentError;
      if (!isAbsent && this.#failures < FAILURES_BEFORE_OTHERS) throw error;
      this.#failures = 0;
      this.#whys.set(this.#rank, messageOf(error));
      const found = await this.#look((rank) => rank !== this.#rank);
      if (found) return found;
      if (!isAbsent) throw error;
      await this.#take(noDevices(this.#reasons()), NONE);
      return { devices: [], links: [], lost: [] };
    }
  }

  /** The list of the first of those asked that has devices: it is the chosen one from now on. */
  async #look(isAsked: (rank: number) => boolean): Promise<DeviceList | undefined> {
    this.#looks += 1;
    let sick: { readonly attempt: Attempt & { readonly list: undefined }; readonly rank: number } | undefined;
    for (const [rank, candidate] of this.#candidates.entries()) {
      if (this.#isClosed) break;
      if (!isAsked(rank) || !(await this.#isWorthTrying(rank, candidate))) continue;
      this.#trying = candidate.make(this.#reasons(rank));
      const attempt = await tryIt(this.#trying);
      this.#trying = undefined;
      if (attempt.list) {
        await sick?.attempt.source.close();
        await this.#take(attempt.source, rank);
        return attempt.list;
      }
      this.#whys.set(rank, attempt.why);
      const isSick = this.#rank === NONE && !sick && !(attempt.error instanceof SourceAbsentError);
      if (isSick) sick = { attempt, rank };
      else await attempt.source.close();
    }
    if (sick) {
      await this.#take(sick.attempt.source, sick.rank);
      throw sick.attempt.error;
    }
    if (this.#rank === NONE) this.#chosen = noDevices(this.#reasons());
    return undefined;
  }

  async #isWorthTrying(rank: number, { mayBeThere }: Candidate): Promise<boolean> {
    return !this.#whys.has(rank) || this.#looks % TRY_ANYWAY_EVERY === 0 || (await mayBeThere());
  }

  /** What was said of those before that one. */
  #reasons(before = NONE): string {
    const said = [...this.#whys].filter(([rank]) => rank < before).toSorted(([a], [b]) => a - b);
    return said.map(([, why]) => why).join("; ");
  }

  async #take(source: DeviceSource, rank: number): Promise<void> {
    const previous = this.#chosen;
    this.#log.info({ from: previous.name, to: source.name, reason: source.reason }, "devices are read from elsewhere");
    this.#events = [...this.#events, ...previous.events()];
    this.#chosen = source;
    this.#rank = rank;
    this.#lookForBetterAtMs = rank === NONE ? 0 : performance.now() + LOOK_FOR_BETTER_MS;
    this.#whys.delete(rank);
    await previous.close();
    if (this.#isClosed) await source.close();
  }
}

async function tryIt(source: DeviceSource): Promise<Attempt> {
  try {
    const list = await source.list();
    if (!isEmpty(list)) return { source, list };
    throw new SourceAbsentError("unavailable", `${source.name} lists no device`);
  } catch (error) {
    return { source, list: undefined, error, why: messageOf(error) };
  }
}

function isEmpty({ devices, lost }: DeviceList): boolean {
  return devices.length === 0 && lost.length === 0;
}
