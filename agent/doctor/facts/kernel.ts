/** What the kernel was told, and what this process may use of it. */
import type { Host } from "../host.ts";

export interface KernelFacts {
  /** The hard limit, to which Node.js raises the soft one; undefined is no limit. */
  readonly openFiles: number | undefined;
  /** The hard limit in bytes; undefined is no limit. */
  readonly lockedBytes: number | undefined;
  readonly maxMapCount: number | undefined;
  readonly cgroups: "v1" | "v2" | "both" | undefined;
  /** Kept aside for whoever asks for them by name. */
  readonly hugePagesMb: number;
  readonly memoryMb: number;
  /** Adapters that read and write the memory of jobs by themselves. */
  readonly rdmaAdapters: readonly string[];
  readonly bootedAtMs: number | undefined;
  /** What was installed that only a restart puts to use; undefined when no restart waits. */
  readonly rebootFor: readonly string[] | undefined;
}

export async function gatherKernel(host: Host): Promise<KernelFacts> {
  const limits = (await host.read("/proc/self/limits")) ?? "";
  const memory = (await host.read("/proc/meminfo")) ?? "";
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(memory)?.[1] ?? 0);
  const reboot = await host.exists("/run/reboot-required");
  const packages = (await host.read("/run/reboot-required.pkgs")) ?? "";
  const [, bootSeconds] = /^btime (\d+)$/m.exec((await host.read("/proc/stat")) ?? "") ?? [];
  return {
    openFiles: hardLimit(limits, "Max open files"),
    lockedBytes: hardLimit(limits, "Max locked memory"),
    maxMapCount: numberOf(await host.read("/proc/sys/vm/max_map_count")),
    cgroups: await cgroupsOf(host),
    hugePagesMb: Math.floor(kilobytes("Hugetlb") / 1024),
    memoryMb: Math.floor(kilobytes("MemTotal") / 1024),
    rdmaAdapters: await host.names("/sys/class/infiniband"),
    bootedAtMs: bootSeconds === undefined ? undefined : Number(bootSeconds) * 1_000,
    rebootFor: reboot ? [...new Set(packages.split("\n").filter((name) => name !== ""))] : undefined,
  };
}

/** `Max open files  1024  524288  files`: the second number. */
function hardLimit(limits: string, name: string): number | undefined {
  const [, hard] = new RegExp(`^${name}\\s+\\S+\\s+(\\d+|unlimited)`, "m").exec(limits) ?? [];
  return hard === undefined || hard === "unlimited" ? undefined : Number(hard);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

async function cgroupsOf(host: Host): Promise<KernelFacts["cgroups"]> {
  if (await host.exists("/sys/fs/cgroup/cgroup.controllers")) return "v2";
  const names = await host.names("/sys/fs/cgroup");
  if (names.length === 0) return undefined;
  return names.includes("unified") ? "both" : "v1";
}
