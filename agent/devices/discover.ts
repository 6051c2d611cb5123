import { access } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { AmdSmiSource } from "./amd-smi/amd-smi-source.ts";
import type { DeviceSource } from "./device-source.ts";
import { type Candidate, FoundSource } from "./found-source.ts";
import { JournalLog } from "./journal-log.ts";
import { KernelLog } from "./kernel-log.ts";
import { KnownDevices } from "./known-devices.ts";
import { NvidiaSmiSource } from "./nvidia-smi/nvidia-smi-source.ts";
import { NVML_LIBRARY, NvmlSource } from "./nvml/nvml-source.ts";
import { simulateDevices } from "./simulated.ts";

export interface DiscoverOptions {
  /** Simulates these instead of looking for any. */
  readonly simulateGpus: { readonly count: number; readonly memoryMb: number } | undefined;
  readonly log: Logger;
}

/** Where drivers put their library, beside the directories that the loader is told of. */
const LIBRARY_DIRECTORIES = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/lib/x86_64-linux-gnu",
  "/usr/local/nvidia/lib64",
  "/usr/lib/wsl/lib",
  "/run/opengl-driver/lib",
];

/**
 * Where this host's devices are read: NVML, else nvidia-smi, else amd-smi, else there are none, which may change at any
 * time. The first look is over when this resolves.
 */
export async function discoverDevices({ simulateGpus, log }: DiscoverOptions): Promise<DeviceSource> {
  if (simulateGpus) return simulateDevices(simulateGpus);
  const opened = KernelLog.open(process.env.GPUSCHED_KERNEL_LOG);
  if (!opened.log) log.debug({ reason: opened.why }, "the kernel's log cannot be read");
  // The packaged unit may not read it, and is in the group that may read systemd's.
  const kernelLog = opened.log ?? (opened.isRefused ? new JournalLog({ log }) : undefined);
  const devices = new KnownDevices(new FoundSource(candidates(log), log), { kernelLog, log });
  await devices
    .list()
    .catch((error: unknown) => log.warn({ reason: messageOf(error) }, "the devices cannot be listed"));
  return devices;
}

function candidates(log: Logger): readonly Candidate[] {
  return [
    { mayBeThere: hasNvml, make: () => new NvmlSource(log) },
    // Programs that are not there say so at once.
    { mayBeThere: async () => true, make: (before) => new NvidiaSmiSource(because("nvidia-smi", before)) },
    { mayBeThere: async () => true, make: (before) => new AmdSmiSource(because("amd-smi", before)) },
  ];
}

function because(name: string, before: string): string {
  return before === "" ? `${name} answers` : `${name} answers; ${before}`;
}

/** Trying takes a process of its own. */
async function hasNvml(): Promise<boolean> {
  const library = process.env.GPUSCHED_NVML_LIBRARY ?? NVML_LIBRARY;
  const told = process.env["LD_LIBRARY_PATH"]?.split(":").filter(Boolean) ?? [];
  const paths = isAbsolute(library) ? [library] : [...told, ...LIBRARY_DIRECTORIES].map((dir) => join(dir, library));
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
