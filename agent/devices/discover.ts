import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { DeviceSource } from "./device-source.ts";
import { noDevices } from "./none.ts";
import { NvidiaSmiAbsentError, NvidiaSmiSource } from "./nvidia-smi.ts";
import { NvmlSource } from "./nvml/nvml-source.ts";
import { NvmlAbsentError } from "./nvml/worker-process.ts";
import { simulateDevices } from "./simulated.ts";

export interface DiscoverOptions {
  /** Simulates these instead of looking for any. */
  readonly simulateGpus: { readonly count: number; readonly memoryMb: number } | undefined;
  readonly log: Logger;
}

type Outcome = { readonly kind: "devices" | "absent" | "sick"; readonly why: string };

/**
 * Chooses where this host's devices are read: NVML, else nvidia-smi, else there are none. A driver that is there but
 * fails is kept, and its lists fail until it recovers: a host whose GPUs are out of order is not one without GPUs.
 */
export async function discoverDevices({ simulateGpus, log }: DiscoverOptions): Promise<DeviceSource> {
  if (simulateGpus) return simulateDevices(simulateGpus);
  const nvml = new NvmlSource(log);
  const byNvml = await probe(nvml);
  if (byNvml.kind === "devices") return nvml;
  const nvidiaSmi = new NvidiaSmiSource(`nvidia-smi answers; ${byNvml.why}`);
  const byNvidiaSmi = await probe(nvidiaSmi);
  if (byNvidiaSmi.kind === "devices") {
    await nvml.close();
    return nvidiaSmi;
  }
  await nvidiaSmi.close();
  if (byNvml.kind === "sick") return nvml;
  await nvml.close();
  return noDevices(`${byNvml.why}; ${byNvidiaSmi.why}`);
}

async function probe(source: DeviceSource): Promise<Outcome> {
  try {
    const { devices } = await source.list();
    return devices.length > 0
      ? { kind: "devices", why: "" }
      : { kind: "absent", why: `${source.name} lists no device` };
  } catch (error) {
    const isAbsent = error instanceof NvmlAbsentError || error instanceof NvidiaSmiAbsentError;
    return { kind: isAbsent ? "absent" : "sick", why: messageOf(error) };
  }
}
