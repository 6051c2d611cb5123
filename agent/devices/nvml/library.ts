/** The devices of NVML, whole or in slices: what is told of them, in the words of our own messages. */
import {
  clockOf,
  eccErrorsOf,
  energyOf,
  hasEcc,
  isThrottling,
  marginOf,
  maxClockOf,
  memoryClockOf,
  memoryMbOf,
  nameOf,
  pciBusIdOf,
  powerLimitOf,
  powerOf,
  slowdownOf,
  temperatureOf,
  utilizationOf,
  uuidOf,
} from "./device-calls.ts";
import { type Handle, NvmlFunctions } from "./functions.ts";
import { type LinkedGpu, linksBetween } from "./links.ts";
import type { NvmlDevice, NvmlDriver, NvmlList, NvmlMoment, NvmlReading } from "./messages.ts";
import { NvmlError } from "./nvml-error.ts";
import { processesOf } from "./processes.ts";
import { type Slice, slicesOf } from "./slices.ts";
import { XidEvents } from "./xid-events.ts";

/** `NVIDIA A100-SXM4-40GB MIG 1g.5gb` */
const PROFILE = /\bMIG (\S+)$/;

/** NVML, loaded and initialised. Every call may block for as long as the driver likes, or end the process. */
export class NvmlLibrary {
  readonly #nvml: NvmlFunctions;
  readonly #events: XidEvents | undefined;
  #isListening = false;

  /** Throws if the library cannot be loaded or does not start. */
  constructor(path: string) {
    const nvml = new NvmlFunctions(path);
    this.#nvml = nvml;
    this.#events = nvml.told(() => new XidEvents(nvml));
  }

  driver(): NvmlDriver {
    const nvml = this.#nvml;
    return {
      driverVersion: nvml.told(() => nvml.text("nvmlSystemGetDriverVersion", "")) ?? "",
      cudaVersion: cudaVersionOf(nvml.told(() => nvml.number("nvmlSystemGetCudaDriverVersion_v2", ""))),
    };
  }

  /** A device that does not answer is told of as lost. */
  list(): NvmlList {
    this.#listen();
    const devices: NvmlDevice[] = [];
    const lost: NvmlList["lost"] = [];
    const whole: LinkedGpu[] = [];
    for (const index of this.#indices()) {
      try {
        const handle = this.#handle(index);
        const gpu = this.#describe(index, handle);
        const slices = slicesOf(this.#nvml, handle);
        if (!slices) whole.push({ id: gpu.id, handle, pciBusId: gpu.pciBusId });
        if (slices?.length === 0) lost.push({ id: gpu.id, pciBusId: gpu.pciBusId, why: uncut(gpu.id), isUncut: true });
        devices.push(...(slices ? slices.map((slice) => this.#describeSlice(gpu, slice)) : [gpu]));
      } catch (error) {
        if (!(error instanceof NvmlError) || error.isOfAll) throw error;
        lost.push({ pciBusId: "", why: `GPU ${index} does not answer: ${error.message}` });
      }
    }
    const links = linksBetween(this.#nvml, whole);
    return { devices, links, lost };
  }

  read(): NvmlMoment {
    this.#listen();
    const readings = this.#indices().flatMap(
      (index) => this.#nvml.told(() => this.#readGpu(this.#handle(index))) ?? [],
    );
    return { readings, events: this.#events?.drain() ?? [] };
  }

  /** Not when it is opened: a sick GPU holds this up, and the driver's versions are known by then. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    for (const index of this.#indices()) this.#nvml.told(() => this.#events?.register(this.#handle(index)));
  }

  #indices(): number[] {
    return Array.from({ length: this.#nvml.number("nvmlDeviceGetCount_v2", "") }, (_, index) => index);
  }

  #handle(index: number): Handle {
    return this.#nvml.handle("nvmlDeviceGetHandleByIndex_v2", "uint", index);
  }

  #describe(index: number, handle: Handle): NvmlDevice {
    const nvml = this.#nvml;
    return {
      id: uuidOf(nvml, handle),
      model: nameOf(nvml, handle),
      memoryMb: nvml.told(() => memoryMbOf(nvml, handle).total) ?? 0,
      index,
      pciBusId: nvml.told(() => pciBusIdOf(nvml, handle)) ?? "",
      slowdownC: nvml.told(() => slowdownOf(nvml, handle)),
      eccEnabled: nvml.told(() => hasEcc(nvml, handle)),
      powerLimitW: nvml.told(() => powerLimitOf(nvml, handle)),
      maxClockMhz: nvml.told(() => maxClockOf(nvml, handle)),
    };
  }

  #describeSlice(gpu: NvmlDevice, { id, handle }: Slice): NvmlDevice {
    const nvml = this.#nvml;
    const model = nvml.told(() => nameOf(nvml, handle)) ?? gpu.model;
    const memoryMb = nvml.told(() => memoryMbOf(nvml, handle).total) ?? 0;
    return { ...gpu, id, model, memoryMb, parentId: gpu.id, migProfile: PROFILE.exec(model)?.[1] };
  }

  /** Of a GPU in slices, their readings. */
  #readGpu(handle: Handle): NvmlReading[] {
    const reading = this.#read(handle);
    const slices = slicesOf(this.#nvml, handle);
    return slices ? slices.map((slice) => this.#readSlice(reading, slice)) : [reading];
  }

  #read(handle: Handle): NvmlReading {
    const nvml = this.#nvml;
    const utilization = nvml.told(() => utilizationOf(nvml, handle));
    return {
      id: uuidOf(nvml, handle),
      utilizationPercent: utilization?.gpu,
      memoryUtilizationPercent: utilization?.memory,
      memoryUsedMb: nvml.told(() => memoryMbOf(nvml, handle).used),
      temperatureC: nvml.told(() => temperatureOf(nvml, handle)),
      slowdownMarginC: nvml.told(() => marginOf(nvml, handle)),
      powerW: nvml.told(() => powerOf(nvml, handle)),
      energyJ: nvml.told(() => energyOf(nvml, handle)),
      clockMhz: nvml.told(() => clockOf(nvml, handle)),
      memoryClockMhz: nvml.told(() => memoryClockOf(nvml, handle)),
      isThrottling: nvml.told(() => isThrottling(nvml, handle)),
      eccCorrected: nvml.told(() => eccErrorsOf(nvml, handle, "corrected")),
      eccUncorrected: nvml.told(() => eccErrorsOf(nvml, handle, "uncorrected")),
      processes: nvml.told(() => [...processesOf(nvml, handle)]),
    };
  }

  /** Heat, power, clocks and errors are those of its GPU: slices have none of their own. */
  #readSlice(gpu: NvmlReading, { id, handle }: Slice): NvmlReading {
    const nvml = this.#nvml;
    return {
      ...gpu,
      id,
      utilizationPercent: undefined,
      memoryUtilizationPercent: undefined,
      memoryUsedMb: nvml.told(() => memoryMbOf(nvml, handle).used),
      processes: nvml.told(() => [...processesOf(nvml, handle)]),
    };
  }
}

function uncut(id: string): string {
  return `${id} is to be used in slices (MIG), and has none: no job can use it`;
}

/** 12080 is 12.8. */
function cudaVersionOf(version: number | undefined): string {
  return version ? `${Math.floor(version / 1_000)}.${Math.floor((version % 1_000) / 10)}` : "";
}
