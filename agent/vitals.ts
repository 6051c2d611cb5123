import { withDeadline } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { formatDuration } from "../base/time.ts";
import type { Device, DeviceEvent, DeviceList, DeviceReading, DeviceSource } from "./devices/device-source.ts";
import type { Executor, ExecutorHealth } from "./executor/executor.ts";

/** How often the devices are listed anew, so that one that vanished or appeared is told. */
const DEVICE_LIST_EVERY_MS = 30_000;
/** A reading that is older tells nothing any more. */
const READING_KEPT_MS = 30_000;
const LISTING = "listing the devices";
/** Whatever the driver or the engine does, no probe is waited for any longer. */
const PROBE_DEADLINE_MS = 10_000;

/** A reading that has been under way for so long at the next heartbeat is none: the driver may hang. */
const SILENT_AFTER_MS = 1_500;

const READING = "reading the devices";

/** What the driver has told, or that it told nothing. */
export type DriverNews =
  | ({ readonly kind: "listed" } & Pick<DeviceList, "devices" | "lost">)
  | ({ readonly kind: "xid" } & DeviceEvent)
  | { readonly kind: "beat"; readonly readings: readonly DeviceReading[] | undefined; readonly failure: string };

export interface VitalsOptions {
  readonly devices: DeviceSource;
  readonly executor: Executor;
  /** Told of each list, at each refresh once of what was read, and of faults. */
  readonly onNews?: (news: DriverNews) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The newest that is known of devices and executor. Reading never waits: a sick driver or engine makes it older, never a
 * heartbeat late.
 */
export class Vitals {
  readonly #options: VitalsOptions;
  #listed: DeviceList = { devices: [], links: [], lost: [] };
  #devicesError: string | undefined = "the devices have not been listed yet";
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #readings: readonly DeviceReading[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;
  #readBegunAtMs = 0;
  #health: ExecutorHealth = { ready: false, message: "the executor has not answered yet" };
  readonly #underWay = new Set<string>();
  #reading = Promise.resolve();

  constructor(options: VitalsOptions) {
    this.#options = options;
  }

  /** As they were listed last, with how they are linked and which of them are lost. */
  get listed(): DeviceList {
    return this.#listed;
  }

  get devices(): readonly Device[] {
    return this.#listed.devices;
  }

  /** What the driver told last, nothing once that is too old. */
  get readings(): readonly DeviceReading[] {
    return this.#options.clock.monotonicMs() - this.#readAtMs <= READING_KEPT_MS ? this.#readings : [];
  }

  /** Whether jobs can be started: the executor's health, and that the devices can be listed. */
  get health(): ExecutorHealth {
    if (!this.#health.ready || this.#devicesError === undefined) return this.#health;
    return { ready: false, message: this.#devicesError };
  }

  /** Resolves when the reading of the devices has ended that was begun last. */
  untilRead(): Promise<void> {
    return this.#reading;
  }

  /** Begins what is due; a probe that is still under way is not begun again. Resolves when all that it began has ended. */
  async refresh(): Promise<void> {
    this.#noteSilence();
    const listIsDue = this.#options.clock.monotonicMs() - this.#listedAtMs >= DEVICE_LIST_EVERY_MS;
    await Promise.all([
      listIsDue ? this.#probe(LISTING, () => this.#list()) : undefined,
      this.#beginReading(),
      this.#probe("asking the executor", () => this.#askExecutor()),
    ]);
    if (!listIsDue && this.#isOutOfStep()) await this.#probe(LISTING, () => this.#list());
  }

  /** Whether other devices are read than are listed as well: one was lost, or came back. */
  #isOutOfStep(): boolean {
    const lost = new Set(this.#listed.lost.map(({ id }) => id));
    const well = new Set(this.#listed.devices.map(({ id }) => id).filter((id) => !lost.has(id)));
    return this.#readings.length !== well.size || this.#readings.some(({ id }) => !well.has(id));
  }

  #beginReading(): Promise<void> {
    if (!this.#underWay.has(READING)) this.#reading = this.#probe(READING, () => this.#read());
    return this.#reading;
  }

  async #probe(name: string, probe: () => Promise<void>): Promise<void> {
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    try {
      await probe();
    } catch (error) {
      this.#options.log.warn({ probe: name, reason: messageOf(error) }, "a probe of the node failed");
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #list(): Promise<void> {
    const { devices, clock } = this.#options;
    try {
      this.#listed = await withDeadline("the GPU driver", PROBE_DEADLINE_MS, () => devices.list());
      this.#devicesError = undefined;
      this.#listedAtMs = clock.monotonicMs();
      const { devices: all, lost } = this.#listed;
      this.#options.onNews?.({ kind: "listed", devices: all, lost });
    } catch (error) {
      // Those known before stay listed: their jobs may well be running.
      this.#devicesError = `the devices cannot be listed: ${messageOf(error)}`;
      throw error;
    }
  }

  async #read(): Promise<void> {
    const { devices, clock, onNews } = this.#options;
    this.#readBegunAtMs = clock.monotonicMs();
    try {
      const readings = await withDeadline("the GPU driver", PROBE_DEADLINE_MS, () => devices.read());
      this.#readings = readings;
      this.#readAtMs = clock.monotonicMs();
      onNews?.({ kind: "beat", readings, failure: "" });
    } catch (error) {
      onNews?.({ kind: "beat", readings: undefined, failure: messageOf(error) });
      throw error;
    } finally {
      for (const event of devices.events()) onNews?.({ kind: "xid", ...event });
    }
  }

  #noteSilence(): void {
    const silentMs = this.#options.clock.monotonicMs() - this.#readBegunAtMs;
    if (!this.#underWay.has(READING) || silentMs < SILENT_AFTER_MS) return;
    const failure = `no answer for ${formatDuration(silentMs)}`;
    this.#options.onNews?.({ kind: "beat", readings: undefined, failure });
  }

  async #askExecutor(): Promise<void> {
    try {
      this.#health = await withDeadline("the executor", PROBE_DEADLINE_MS, () => this.#options.executor.health());
    } catch (error) {
      this.#health = { ready: false, message: messageOf(error) };
      throw error;
    }
  }
}
