import { join } from "node:path";
import { z } from "zod";
import { systemErrorCode } from "../../../../base/errors.ts";
import type { Controller } from "./cgroup-tree.ts";
import {
  makeNewGroup,
  processesInGroup,
  readGroupFile,
  removeGroup,
  tryWriteGroupFile,
  writeGroupFile,
} from "./group-files.ts";
import type { GroupPlace } from "./group-place.ts";

const MIB = 1024 * 1024;
/** With less no program begins. */
const MIN_MEMORY_MB = 6;
/** As for containers: it stops a fork bomb long before the host's own limit. */
const MAX_PROCESSES = 4_096;
const CPU_PERIOD_US = 100_000;

/** What a job may use. */
export interface JobLimits {
  readonly memoryMb: number;
  readonly cpuCores: number;
}

/** The control group of an attempt, as it is kept beside its record: it is found again by whoever comes later. */
export const jobGroupSchema = z.strictObject({
  version: z.literal([1, 2]),
  /** One for each hierarchy that is used. */
  directories: z.array(z.string()).min(1),
  /** In which its processes are found and frozen. */
  processes: z.string(),
  /** In which deaths for want of memory are counted; absent where memory is not limited. */
  memory: z.string().optional(),
  memoryMb: z.number(),
});
export type JobGroup = z.infer<typeof jobGroupSchema>;

/**
 * Makes the group of an attempt, empty and with its limits.
 *
 * @throws the kernel's error
 */
export function createJobGroup(place: GroupPlace, name: string, limits: JobLimits): JobGroup {
  const of = (use: Controller | "freezer"): string | undefined => {
    const parent = place.directories.get(use);
    return parent === undefined ? undefined : join(parent, name);
  };
  const directories = [...new Set([...place.directories.values()].map((parent) => join(parent, name)))];
  const [first = ""] = directories;
  const hasMemory = place.limits.includes("memory");
  const group: JobGroup = {
    version: place.version,
    directories,
    processes: of("freezer") ?? of("pids") ?? first,
    ...(hasMemory && { memory: of("memory") ?? first }),
    memoryMb: Math.max(MIN_MEMORY_MB, limits.memoryMb),
  };
  // What an earlier attempt of that name left would count for this one.
  removeJobGroup(group);
  try {
    for (const directory of directories) makeNewGroup(directory);
    for (const limit of place.limits) {
      for (const file of limitFiles(place.version, limit, group.memoryMb, limits.cpuCores)) {
        setLimit(of(limit) ?? first, file);
      }
    }
  } catch (error) {
    removeJobGroup(group);
    throw error;
  }
  return group;
}

/** One file of a group and what is written into it. */
interface LimitFile {
  readonly name: string;
  readonly value: string;
  /** What holds if the kernel does not have it, or does not take the value: `required` is an error. */
  readonly otherwise: "required" | "no-swap-account" | "parent-is-stricter";
}

/** The kernel's words for a limit, in the order in which they are written. */
export function limitFiles(
  version: 1 | 2,
  limit: Controller,
  memoryMb: number,
  cpuCores: number,
): readonly LimitFile[] {
  const bytes = String(memoryMb * MIB);
  const quota = String(Math.max(1_000, Math.round(cpuCores * CPU_PERIOD_US)));
  const required = (name: string, value: string): LimitFile => ({ name, value, otherwise: "required" });
  switch (limit) {
    case "memory":
      // The same again, or none beside it: no swap.
      return version === 1
        ? [
            required("memory.limit_in_bytes", bytes),
            { name: "memory.memsw.limit_in_bytes", value: bytes, otherwise: "no-swap-account" },
          ]
        : [required("memory.max", bytes), { name: "memory.swap.max", value: "0", otherwise: "no-swap-account" }];
    case "cpu":
      if (cpuCores <= 0) return [];
      if (version === 2) return [required("cpu.max", `${quota} ${CPU_PERIOD_US}`)];
      return [
        required("cpu.cfs_period_us", String(CPU_PERIOD_US)),
        { name: "cpu.cfs_quota_us", value: quota, otherwise: "parent-is-stricter" },
      ];
    case "pids":
      return [required("pids.max", String(MAX_PROCESSES))];
  }
}

function setLimit(directory: string, { name, value, otherwise }: LimitFile): void {
  try {
    writeGroupFile(directory, name, value);
  } catch (error) {
    const code = systemErrorCode(error);
    if (otherwise === "no-swap-account" && (code === "ENOENT" || code === "EOPNOTSUPP")) return;
    // More than a group around it has is refused; that one's limit holds then.
    if (otherwise === "parent-is-stricter" && code === "EINVAL") return;
    throw error;
  }
}

/** The files into which a process writes itself to be in the group. */
export function entrancesOf({ directories }: JobGroup): readonly string[] {
  return directories.map((directory) => join(directory, "cgroup.procs"));
}

/** What is in the group now, whatever session it has made for itself. */
export function processesOfJob(group: JobGroup): readonly number[] {
  const found = new Set(group.directories.flatMap(processesInGroup));
  // The agent itself is never a job, whatever a file says.
  found.delete(process.pid);
  return [...found];
}

/** SIGKILL to all of it at once: nothing forks meanwhile. */
export function killJobGroup(group: JobGroup, kill: (pid: number) => void): void {
  const { version, processes } = group;
  if (version === 2 && tryWriteGroupFile(processes, "cgroup.kill", "1")) return;
  const [file, frozen, thawed] = version === 2 ? ["cgroup.freeze", "1", "0"] : ["freezer.state", "FROZEN", "THAWED"];
  tryWriteGroupFile(processes, file, frozen);
  try {
    for (const pid of processesOfJob(group)) kill(pid);
  } finally {
    tryWriteGroupFile(processes, file, thawed);
  }
}

/** Whether the kernel killed something of it for want of memory. */
export function ranOutOfMemory({ version, memory }: JobGroup): boolean {
  if (memory === undefined) return false;
  const text = readGroupFile(memory, version === 2 ? "memory.events" : "memory.oom_control");
  return Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0) > 0;
}

/** As for a container. */
export function outOfMemoryMessage({ memoryMb }: JobGroup): string {
  return `out of memory (limit ${memoryMb} MB)`;
}

/** False while something is in it. */
export function removeJobGroup({ directories }: JobGroup): boolean {
  return directories.map(removeGroup).every(Boolean);
}
