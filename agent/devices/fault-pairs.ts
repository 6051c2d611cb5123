import type { DeviceEvent } from "./device-source.ts";
import { samePciAddress } from "./pci.ts";

/** What the driver and the kernel say of one fault is not further apart. */
const WINDOW_MS = 60_000;

/**
 * Has a fault told once of which both the driver and the kernel's log tell, whoever is first. Each that one of them tells
 * is paired with at most one of the other's: a fault that really comes twice stays two.
 */
export class FaultPairs {
  #unpairedOfDriver: DeviceEvent[] = [];
  #unpairedOfKernel: DeviceEvent[] = [];

  /** What of both was not told before, in the order of time. */
  merge(byDriver: readonly DeviceEvent[], byKernel: readonly DeviceEvent[]): readonly DeviceEvent[] {
    const news: DeviceEvent[] = [];
    // The kernel's first: it has the words.
    for (const event of byKernel) {
      if (takePartner(this.#unpairedOfDriver, event)) continue;
      this.#unpairedOfKernel.push(event);
      news.push(event);
    }
    for (const event of byDriver) {
      const partner = takePartner(this.#unpairedOfKernel, event);
      if (!partner) {
        this.#unpairedOfDriver.push(event);
        news.push(event);
        continue;
      }
      // Told by the kernel in this very moment: the driver knows the device, or the slice.
      const at = news.indexOf(partner);
      if (at >= 0) news[at] = { ...event, atMs: partner.atMs, message: partner.message };
    }
    this.#forget();
    return news.toSorted((a, b) => a.atMs - b.atMs);
  }

  #forget(): void {
    const latest = Math.max(0, ...[...this.#unpairedOfDriver, ...this.#unpairedOfKernel].map(({ atMs }) => atMs));
    const isRecent = ({ atMs }: DeviceEvent) => latest - atMs <= WINDOW_MS;
    this.#unpairedOfDriver = this.#unpairedOfDriver.filter(isRecent);
    this.#unpairedOfKernel = this.#unpairedOfKernel.filter(isRecent);
  }
}

function takePartner(unpaired: DeviceEvent[], event: DeviceEvent): DeviceEvent | undefined {
  const at = unpaired.findIndex(
    (other) =>
      other.xid === event.xid &&
      Math.abs(other.atMs - event.atMs) <= WINDOW_MS &&
      samePciAddress(other.pciBusId, event.pciBusId),
  );
  return at < 0 ? undefined : unpaired.splice(at, 1)[0];
}
