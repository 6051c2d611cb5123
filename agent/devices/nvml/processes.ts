import type { DeviceProcess } from "../device-source.ts";
import type { Handle, NvmlFunctions } from "./functions.ts";
import { NVML_FUNCTION_NOT_FOUND, NVML_INSUFFICIENT_SIZE, NVML_SUCCESS, NvmlError } from "./nvml-error.ts";

const BYTES_PER_MB = 1024n * 1024n;
/** Of one entry: pid, padding, memory, and of a slice the numbers of its instances. */
const ENTRY_BYTES = 24;
/** Some drivers have written longer ones: there is room for them, so that the answer cannot overrun it. */
const ROOM_PER_ENTRY_BYTES = 32;
const FIRST_ROOM = 32;
const MAX_ROOM = 4_096;
/** Processes may begin between being counted and being told. */
const TRIES = 3;
const NOT_TOLD = 0xff_ff_ff_ff_ff_ff_ff_ffn;

/** What runs on a device or a slice, each process once. Throws if the driver does not tell. */
export function processesOf(nvml: NvmlFunctions, handle: Handle): readonly DeviceProcess[] {
  const compute = ask(nvml, handle, "nvmlDeviceGetComputeRunningProcesses", "compute");
  // Those whose work goes through the Multi-Process Service are listed apart.
  const shared = nvml.told(() => ask(nvml, handle, "nvmlDeviceGetMPSComputeRunningProcesses", "compute")) ?? [];
  const graphics = nvml.told(() => ask(nvml, handle, "nvmlDeviceGetGraphicsRunningProcesses", "graphics")) ?? [];
  const byPid = new Map<number, DeviceProcess>();
  for (const process of [...compute, ...shared, ...graphics])
    if (!byPid.has(process.pid)) byPid.set(process.pid, process);
  return [...byPid.values()];
}

/** The newest form of the question that the driver knows: both have the same entries. */
function ask(nvml: NvmlFunctions, handle: Handle, name: string, kind: DeviceProcess["kind"]): DeviceProcess[] {
  const newest = `${name}_v3`;
  try {
    return askAs(nvml, handle, newest, kind);
  } catch (error) {
    if (!(error instanceof NvmlError) || error.code !== NVML_FUNCTION_NOT_FOUND) throw error;
    return askAs(nvml, handle, `${name}_v2`, kind);
  }
}

function askAs(nvml: NvmlFunctions, handle: Handle, name: string, kind: DeviceProcess["kind"]): DeviceProcess[] {
  let room = FIRST_ROOM;
  for (let tries = 1; ; tries += 1) {
    const count = [room];
    const entries = Buffer.alloc(room * ROOM_PER_ENTRY_BYTES);
    const code = nvml.codeOf(name, "void *, _Inout_ uint *, _Out_ uint8 *", handle, count, entries);
    const told = count[0] ?? 0;
    if (code === NVML_SUCCESS) return parse(entries, Math.min(told, room), kind);
    if (code !== NVML_INSUFFICIENT_SIZE || tries === TRIES || room === MAX_ROOM) throw new NvmlError(name, code);
    room = Math.min(Math.max(told, room) * 2, MAX_ROOM);
  }
}

function parse(entries: Buffer, count: number, kind: DeviceProcess["kind"]): DeviceProcess[] {
  return Array.from({ length: count }, (_, at) => {
    const bytes = entries.readBigUInt64LE(at * ENTRY_BYTES + 8);
    const memoryMb = bytes === NOT_TOLD ? undefined : Number(bytes / BYTES_PER_MB);
    return { pid: entries.readUInt32LE(at * ENTRY_BYTES), memoryMb, kind };
  });
}
