/** Where a job fits, by trying everything: written apart from the scheduler, so that the two can be compared. */
import type { JobSpec } from "../../controller/core/model/job.ts";

/** What a node has left. */
export interface Remainder {
  readonly devices: readonly { readonly model: string; readonly memoryMb: number; readonly freeMilli: number }[];
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly executor: "docker" | "process";
  readonly allowsSharing: boolean;
  /** Whether it is there, and may be given work. */
  readonly takesWork: boolean;
}

/** The fewest nodes on which the job fits, all or nothing; undefined when it fits on none of all sets of them. */
export function fewestNodes(nodes: readonly Remainder[], spec: JobSpec): number | undefined {
  const most = nodes.map((node) => mostOn(node, spec));
  if (spec.gpuCount === 0) return most.some((count) => count >= 0) ? 1 : undefined;
  if (spec.gang !== true) return most.some((count) => count >= spec.gpuCount) ? 1 : undefined;
  const parts = most.map((count) => partsUpTo(count, spec.gpusPerNode));
  return fewestOf(parts, spec.gpuCount);
}

/** The least memory of GPUs that the job can hold, as quotas count it; undefined when it does not fit. */
export function leastGpuMemory(nodes: readonly Remainder[], spec: JobSpec): number | undefined {
  const whole = spec.gang === true ? spec.gpusPerNode : spec.gpuCount;
  const options = nodes.map((node) => {
    return partsUpTo(mostOn(node, spec), whole).map((part) => ({ part, memoryMb: memoryOf(node, spec, part) }));
  });
  return leastOf(options, spec.gpuCount);
}

function leastOf(
  options: readonly (readonly { readonly part: number; readonly memoryMb: number }[])[],
  missing: number,
): number | undefined {
  if (missing === 0) return 0;
  const [own = [], ...rest] = options;
  if (options.length === 0) return undefined;
  const sums = own.flatMap(({ part, memoryMb }) => {
    const others = part > missing ? undefined : leastOf(rest, missing - part);
    return others === undefined ? [] : [memoryMb + others];
  });
  return sums.length === 0 ? undefined : Math.min(...sums);
}

function memoryOf(node: Remainder, spec: JobSpec, gpus: number): number {
  const sizes = suitableOn(node, spec).map(({ memoryMb }) => {
    return spec.gpuMemoryMb || Math.ceil((memoryMb * (spec.gpuMilli ?? 1_000)) / 1_000);
  });
  return sizes
    .sort((a, b) => a - b)
    .slice(0, gpus)
    .reduce((sum, size) => sum + size, 0);
}

/** Every number of GPUs that a node may give, 0 among them. */
function partsUpTo(most: number, perNode: number | undefined): readonly number[] {
  if (perNode !== undefined) return most >= perNode ? [0, perNode] : [0];
  return Array.from({ length: Math.max(0, most) + 1 }, (_, part) => part);
}

function fewestOf(parts: readonly (readonly number[])[], missing: number): number | undefined {
  if (missing === 0) return 0;
  const [own, ...rest] = parts;
  let best: number | undefined;
  for (const part of own ?? []) {
    if (part > missing) continue;
    const others = fewestOf(rest, missing - part);
    const all = others === undefined ? undefined : others + Number(part > 0);
    if (all !== undefined && (best === undefined || all < best)) best = all;
  }
  return best;
}

/** The most of the job's GPUs that the node can take with their part of cores and memory; below 0 when not even none. */
function mostOn(node: Remainder, spec: JobSpec): number {
  if (!node.takesWork || (node.executor === "docker" && spec.image === undefined)) return -1;
  if (spec.gpuMilli !== undefined && spec.gpuMilli < 1_000 && !node.allowsSharing) return -1;
  if (Object.entries(spec.nodeSelector ?? {}).some(([label, value]) => node.labels[label] !== value)) return -1;
  const suitable = suitableOn(node, spec);
  for (let gpus = Math.min(suitable.length, spec.gpuCount); gpus >= 0; gpus -= 1) {
    if (gpus === 0 && spec.gpuCount > 0) return 0;
    const part = spec.gpuCount === 0 ? 1 : gpus / spec.gpuCount;
    const isEnough = (free: number, wanted: number) => Math.ceil(Math.round(wanted * part * 1e6) / 1e6) <= free;
    if (isEnough(node.cpuCores, spec.cpuCores ?? 1) && isEnough(node.memoryMb, spec.memoryMb ?? 1_024)) return gpus;
  }
  return -1;
}

function suitableOn({ devices }: Remainder, spec: JobSpec): Remainder["devices"] {
  return devices.filter((device) => {
    const wanted = spec.gpuModel?.split("|") ?? [""];
    const isModel = wanted.some((part) => device.model.toLowerCase().includes(part.trim().toLowerCase()));
    return isModel && device.memoryMb >= (spec.gpuMemoryMb ?? 0) && device.freeMilli >= (spec.gpuMilli ?? 1_000);
  });
}
