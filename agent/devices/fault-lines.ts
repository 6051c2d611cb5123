import type { DeviceEvent } from "./device-source.ts";
import { KernelFaults } from "./kernel-faults.ts";

const XID_OF_FALLEN = 79;
/** The kernel says in several sentences that a GPU fell off the bus. */
const FALLEN_ONCE_MS = 60_000;

/** Makes events of what the kernel says, wherever it was read. */
export class FaultLines {
  readonly #faults = new KernelFaults();
  readonly #fallenAtMs = new Map<string, number>();

  /** A line of a message; undefined if it says nothing new of a fault. */
  line(text: string): DeviceEvent | undefined {
    const fault = this.#faults.line(text);
    if (!fault) return undefined;
    const atMs = Date.now();
    return this.#isRepetition(fault.xid, fault.pciBusId, atMs) ? undefined : { deviceId: undefined, ...fault, atMs };
  }

  #isRepetition(xid: number, pciBusId: string, atMs: number): boolean {
    if (xid !== XID_OF_FALLEN) return false;
    const before = this.#fallenAtMs.get(pciBusId);
    this.#fallenAtMs.set(pciBusId, atMs);
    return before !== undefined && atMs - before < FALLEN_ONCE_MS;
  }
}
