import { delay } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { DeviceCondition } from "../../proto/generated/gpusched/v1/DeviceCondition.ts";
import type { Device } from "../devices/device-source.ts";
import { conditionOf, type SuspectAnswer, type UseState } from "./conditions.ts";
import { type DeviceRecord, stateOf } from "./device-record.ts";
import { type HealthBook, type HealthInput, inBoot, step } from "./health-book.ts";
import { HealthFile } from "./health-file.ts";

const WRITE_RETRY_MS = 5_000;

export interface HealthWatchOptions {
  readonly dataDir: string;
  readonly bootId: string;
  /** Simulated devices are as many as the agent is told: one that is not listed any more is not missed. */
  readonly isSimulated: boolean;
  readonly suspects: SuspectAnswer;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Logger;
}

type Unstamped<I extends HealthInput> = I extends HealthInput ? Omit<I, "atMs"> : never;

/** Keeps the book on the health of this host's devices: stamps what happens, remembers it on disk, and tells how each device is. */
export class HealthWatch implements Service {
  readonly #options: HealthWatchOptions;
  readonly #file: HealthFile;
  readonly #closing = new AbortController();
  #book: HealthBook;
  #hasListed = false;
  #onDisk: string;
  #saving: Promise<void> | undefined;

  private constructor(options: HealthWatchOptions, file: HealthFile, book: HealthBook) {
    this.#options = options;
    this.#file = file;
    this.#onDisk = HealthFile.textOf(book);
    this.#book = inBoot(book, options.bootId, options.clock.wallMs());
  }

  /** Goes on with what is on disk of an earlier agent. Never fails: a file that cannot be read is begun anew. */
  static async open(options: HealthWatchOptions): Promise<HealthWatch> {
    const file = new HealthFile(options.dataDir, options.log);
    return new HealthWatch(options, file, await file.read(options.bootId));
  }

  /** Takes what has happened to devices. */
  input(input: Unstamped<HealthInput>): void {
    const before = this.#book;
    const stamped = { ...input, atMs: this.#options.clock.wallMs() };
    this.#book = step(this.#expected(stamped), stamped);
    for (const [id, record] of this.#book.devices) this.#tell(before.devices.get(id), record);
    this.#saving ??= this.#save();
  }

  /** The devices that should be there, and are not among the listed. */
  missing(listed: readonly Device[]): readonly Device[] {
    const ids = new Set(listed.map(({ id }) => id));
    return [...this.#book.devices.values()].flatMap(({ device }) => (ids.has(device.id) ? [] : [device]));
  }

  /** Every device that is or should be there, as controllers are told of it. */
  conditions(useOf: (id: DeviceId) => UseState | undefined = () => undefined): DeviceCondition[] {
    return [...this.#book.devices].map(([id, record]) => {
      return conditionOf(id, stateOf(record), useOf(id), this.#options.suspects);
    });
  }

  /** Which of the devices became unhealthy since then, and why. */
  brokenSince(ids: readonly string[], sinceMs: number): readonly { readonly id: DeviceId; readonly why: string }[] {
    return [...this.#book.devices].flatMap(([id, { complaints }]) => {
      if (!ids.includes(id)) return [];
      const since = complaints.find((one) => one.severity === "unhealthy" && one.sinceMs >= sinceMs);
      return since ? [{ id, why: since.text }] : [];
    });
  }

  /** Waits for the disk. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#saving;
  }

  /** The book without simulated devices of an earlier agent that this one was not told to simulate. */
  #expected(input: HealthInput): HealthBook {
    if (input.kind !== "listed" || this.#hasListed) return this.#book;
    this.#hasListed = true;
    if (!this.#options.isSimulated) return this.#book;
    const listed = new Set(input.devices.map(({ id }) => id));
    return { ...this.#book, devices: new Map([...this.#book.devices].filter(([id]) => listed.has(id))) };
  }

  #tell(before: DeviceRecord | undefined, record: DeviceRecord): void {
    if ((before?.health ?? "healthy") === record.health) return;
    const { log } = this.#options;
    const { health, reason, wayBack } = stateOf(record);
    const device = record.device.id;
    if (health === "healthy") log.info({ device, was: before?.health }, "a device is healthy again");
    else log.warn({ device, health, reason, wayBack }, "a device is not well");
  }

  /** Writes the newest book until it is on disk, or the agent closes. */
  async #save(): Promise<void> {
    // What happens in one go is written once.
    await Promise.resolve();
    for (let text = HealthFile.textOf(this.#book); text !== this.#onDisk; text = HealthFile.textOf(this.#book)) {
      try {
        await this.#file.write(text);
        this.#onDisk = text;
      } catch (error) {
        this.#options.log.error({ reason: messageOf(error) }, "the health of devices cannot be written down");
        if (this.#closing.signal.aborted) break;
        await delay(WRITE_RETRY_MS, this.#closing.signal);
      }
    }
    this.#saving = undefined;
  }
}
