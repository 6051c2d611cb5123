import { uuidOf, pciBusIdOf } from "./device-calls.ts";
import { addressOf, type Handle, type NvmlFunctions } from "./functions.ts";
import type { NvmlEvent } from "./messages.ts";
import { NVML_SUCCESS, NVML_TIMEOUT } from "./nvml-error.ts";
import { slicesOf } from "./slices.ts";

const XID = 8n;
/** Of an event: its device, kind, data, and of a slice the numbers of its instances. */
const EVENT_BYTES = 32;
const WAIT_MS = 1;
/** A driver that has more to tell at once is asked for the rest the next time. */
const MAX_EVENTS = 256;
const WHOLE = 0xff_ff_ff_ff;

interface Registered {
  readonly id: string;
  readonly handle: Handle;
  readonly pciBusId: string;
}

/** The faults that the driver tells of. Those from before this was made are not told. */
export class XidEvents {
  readonly #nvml: NvmlFunctions;
  readonly #set: Handle;
  readonly #gpus = new Map<bigint, Registered>();

  /** Throws if the driver has no events at all. */
  constructor(nvml: NvmlFunctions) {
    this.#nvml = nvml;
    this.#set = nvml.handle("nvmlEventSetCreate", "");
  }

  /** Throws if the driver will not tell of this one. */
  register(gpu: Handle): void {
    const nvml = this.#nvml;
    nvml.call("nvmlDeviceRegisterEvents", "void *, uint64, void *", gpu, XID, this.#set);
    const pciBusId = nvml.told(() => pciBusIdOf(nvml, gpu)) ?? "";
    this.#gpus.set(addressOf(gpu), { id: uuidOf(nvml, gpu), handle: gpu, pciBusId });
  }

  /** What has happened since this was asked last. It hardly waits. */
  drain(): NvmlEvent[] {
    const events: NvmlEvent[] = [];
    if (this.#gpus.size === 0) return events;
    for (let count = 0; count < MAX_EVENTS; count += 1) {
      const data = Buffer.alloc(EVENT_BYTES);
      const code = this.#nvml.codeOf("nvmlEventSetWait_v2", "void *, _Out_ uint8 *, uint", this.#set, data, WAIT_MS);
      // With a lost GPU this fails, too, and that one is told of by the list.
      if (code === NVML_TIMEOUT || code !== NVML_SUCCESS) break;
      events.push(...this.#translate(data));
    }
    return events;
  }

  #translate(data: Buffer): NvmlEvent[] {
    if (data.readBigUInt64LE(8) !== XID) return [];
    const gpu = this.#gpus.get(data.readBigUInt64LE(0));
    const xid = Number(data.readBigUInt64LE(16));
    if (!gpu) return [{ pciBusId: "", xid }];
    const { pciBusId } = gpu;
    const slices = this.#slicesAt(gpu.handle, data.readUInt32LE(24), data.readUInt32LE(28));
    return (slices.length > 0 ? slices : [gpu]).map(({ id }) => ({ id, pciBusId, xid }));
  }

  /** Those that it happened in: one that only the GPU instance is known of is of all the slices in that. */
  #slicesAt(gpu: Handle, gpuInstance: number, computeInstance: number) {
    if (gpuInstance === WHOLE) return [];
    const slices = this.#nvml.told(() => slicesOf(this.#nvml, gpu)) ?? [];
    return slices.filter(
      (slice) =>
        slice.gpuInstance === gpuInstance && (computeInstance === WHOLE || slice.computeInstance === computeInstance),
    );
  }
}
