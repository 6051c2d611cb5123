import { uuidOf } from "./device-calls.ts";
import type { Handle, NvmlFunctions } from "./functions.ts";

/** A MIG slice: a compute instance in a GPU instance. */
export interface Slice {
  readonly id: string;
  readonly handle: Handle;
  readonly gpuInstance: number | undefined;
  readonly computeInstance: number | undefined;
}

/** The slices of a GPU; undefined for one that is not in slices. None of a GPU that is, and has not been cut yet. */
export function slicesOf(nvml: NvmlFunctions, gpu: Handle): readonly Slice[] | undefined {
  if (!nvml.told(() => isCut(nvml, gpu))) return undefined;
  const places = nvml.told(() => nvml.number("nvmlDeviceGetMaxMigDeviceCount", "void *", gpu)) ?? 0;
  return Array.from({ length: places }, (_, place) => nvml.told(() => sliceAt(nvml, gpu, place))).filter(
    (slice) => slice !== undefined,
  );
}

function isCut(nvml: NvmlFunctions, gpu: Handle): boolean {
  const pending = [0];
  const current = [0];
  nvml.call("nvmlDeviceGetMigMode", "void *, _Out_ uint *, _Out_ uint *", gpu, current, pending);
  return current[0] === 1;
}

/** Throws where there is none: the driver numbers them with gaps. */
function sliceAt(nvml: NvmlFunctions, gpu: Handle, place: number): Slice {
  const handle = nvml.handle("nvmlDeviceGetMigDeviceHandleByIndex", "void *, uint", gpu, place);
  return {
    id: uuidOf(nvml, handle),
    handle,
    gpuInstance: nvml.told(() => nvml.number("nvmlDeviceGetGpuInstanceId", "void *", handle)),
    computeInstance: nvml.told(() => nvml.number("nvmlDeviceGetComputeInstanceId", "void *", handle)),
  };
}
