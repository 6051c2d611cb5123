import { RequestError } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import { HOUR_MS } from "../../base/time.ts";
import type { Device, DeviceEvent, DeviceList, DeviceReading, DeviceSource, LostDevice } from "./device-source.ts";
import { FaultPairs } from "./fault-pairs.ts";
import type { JournalLog } from "./journal-log.ts";
import type { KernelLog } from "./kernel-log.ts";
import { normalPciAddress, samePciAddress } from "./pci.ts";

/** A slice that is gone while its GPU answers was taken away by somebody: it is told of for so long. */
const CUT_OTHERWISE_KEPT_MS = HOUR_MS;
/** A threshold that is worked out from two readings of different moments is a little off now and then. */
const SLOWDOWN_JITTER_C = 3;

export interface KnownDevicesOptions {
  /** Where the kernel tells of faults, too; undefined where it is not looked at. */
  readonly kernelLog?: KernelLog | JournalLog | undefined;
  readonly log: Logger;
  readonly monotonicMs?: () => number;
}

interface Known {
  readonly device: Device;
  seenAtMs: number;
}

/**
 * Remembers every device that was seen since the agent began: one that its driver does not list any more stays in the list
 * and is told of as lost. Devices are known by their ids, whatever their indices become when one of them falls out.
 */
export class KnownDevices implements DeviceSource {
  readonly #source: DeviceSource;
  readonly #kernelLog: KernelLog | JournalLog | undefined;
  readonly #log: Logger;
  readonly #monotonicMs: () => number;
  readonly #known = new Map<DeviceId, Known>();
  readonly #pairs = new FaultPairs();
  #lost = new Set<string>();

  constructor(source: DeviceSource, options: KnownDevicesOptions) {
    this.#source = source;
    this.#kernelLog = options.kernelLog;
    this.#log = options.log;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  get name(): DeviceSource["name"] {
    return this.#source.name;
  }

  get reason(): string {
    const lost = this.#lost.size;
    if (lost === 0) return this.#source.reason;
    return `${this.#source.reason}; ${lost === 1 ? "1 device is" : `${lost} devices are`} lost: ${[...this.#lost].join("; ")}`;
  }

  get driverVersion(): string {
    return this.#source.driverVersion;
  }

  get cudaVersion(): string {
    return this.#source.cudaVersion;
  }

  async list(): Promise<DeviceList> {
    const told = await this.#source.list();
    this.#remember(told.devices);
    const answering = answeringIn(told);
    this.#forget(answering);
    const present = new Set(told.devices.map(({ id }) => id));
    const absent = [...this.#known.values()].map(({ device }) => device).filter(({ id }) => !present.has(id));
    const lost = this.#lostOf(told, absent, answering);
    this.#note(lost);
    const devices = [...this.#known.values()].map(({ device }) => device);
    // Nothing is known of what is there: that is no host without devices.
    if (devices.length === 0 && lost.length > 0) throw new RequestError("unavailable", lost[0]?.why ?? "");
    return { devices, links: told.links, lost };
  }

  read(): Promise<readonly DeviceReading[]> {
    return this.#source.read();
  }

  events(): readonly DeviceEvent[] {
    const byKernel = this.#kernelLog?.read() ?? [];
    const byDriver = this.#source.events();
    return this.#pairs.merge(byDriver, byKernel).map((event) => this.#withDevice(event));
  }

  async close(): Promise<void> {
    await this.#kernelLog?.close();
    await this.#source.close();
  }

  #remember(devices: readonly Device[]): void {
    const seenAtMs = this.#monotonicMs();
    for (const device of devices) {
      const slowdownC = steady(this.#known.get(device.id)?.device.slowdownC, device.slowdownC);
      this.#known.set(device.id, { device: { ...device, slowdownC }, seenAtMs });
    }
  }

  /** Slices that somebody has cut otherwise, and GPUs that are in slices now or the other way round. */
  #forget(answering: ReadonlySet<DeviceId>): void {
    const before = this.#monotonicMs() - CUT_OTHERWISE_KEPT_MS;
    for (const [id, { device, seenAtMs }] of this.#known) {
      if (seenAtMs >= before || !answering.has(device.parentId ?? id)) continue;
      this.#known.delete(id);
      this.#log.info({ device: id }, "a device that its GPU is no longer cut into is forgotten");
    }
  }

  #lostOf(told: DeviceList, absent: readonly Device[], answering: ReadonlySet<DeviceId>): LostDevice[] {
    const unnamed = [...told.lost];
    const named = absent.map((device): LostDevice => {
      const { id, pciBusId } = device;
      if (answering.has(device.parentId ?? id)) {
        return { id, pciBusId, why: `${id} is not there any more, though its GPU answers: it was cut otherwise` };
      }
      const at = unnamed.findIndex((one) => one.id === id || samePciAddress(one.pciBusId, pciBusId));
      const [said] = at < 0 ? [] : unnamed.splice(at, 1);
      return { id, pciBusId, why: said?.why ?? `${id} is lost: ${this.#source.name} does not list it any more` };
    });
    const whole = new Set(absent.map(({ id, parentId }) => parentId ?? id));
    // Where only as many as are missed do not answer, those are the ones.
    const unmatched = unnamed.filter(({ pciBusId, id }) => id !== undefined || pciBusId !== "");
    const nameless = unnamed.filter(({ pciBusId, id }) => id === undefined && pciBusId === "");
    if (nameless.length <= whole.size) return [...withReasons(named, nameless), ...unmatched];
    return [...withReasons(named, nameless.slice(0, whole.size)), ...unmatched, ...nameless.slice(whole.size)];
  }

  #note(lost: readonly LostDevice[]): void {
    const sentences = new Set(lost.map(({ why }) => why));
    for (const { id, pciBusId, why } of lost)
      if (!this.#lost.has(why)) this.#log.error({ device: id, pciBusId, reason: why }, "a device is lost");
    for (const why of this.#lost) if (!sentences.has(why)) this.#log.info({ was: why }, "a device is back");
    this.#lost = sentences;
  }

  /** The kernel knows places, not ids. What is in slices is told of by its GPU. */
  #withDevice(event: DeviceEvent): DeviceEvent {
    if (event.deviceId !== undefined) return event;
    const known = [...this.#known.values()].find(({ device }) => samePciAddress(device.pciBusId, event.pciBusId));
    const pciBusId = normalPciAddress(event.pciBusId) ?? event.pciBusId;
    return { ...event, pciBusId, deviceId: known && (known.device.parentId ?? known.device.id) };
  }
}

/** The GPUs that answer: whole, in slices, or to be cut into some. */
function answeringIn({ devices, lost }: DeviceList): ReadonlySet<DeviceId> {
  const uncut = lost.flatMap(({ id, isUncut }) => (isUncut && id !== undefined ? [id] : []));
  return new Set([...devices.map(({ id, parentId }) => parentId ?? id), ...uncut]);
}

/** What the driver said of GPUs that it did not name, for those that are missed: with one of each, it is that one's. */
function withReasons(named: readonly LostDevice[], said: readonly LostDevice[]): readonly LostDevice[] {
  const [only] = said;
  if (only === undefined) return named;
  const reasons = said.map(({ why }) => why).join("; ");
  return named.map((one) =>
    one.why.endsWith("does not list it any more") ? { ...one, why: `${one.why} (${reasons})` } : one,
  );
}

function steady(known: number | undefined, told: number | undefined): number | undefined {
  return known !== undefined && told !== undefined && Math.abs(known - told) <= SLOWDOWN_JITTER_C ? known : told;
}
