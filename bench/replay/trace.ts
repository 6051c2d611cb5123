import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { ReplayNode } from "../../controller/replay/workload.ts";

/** A row of a trace of jobs. Fields that the source does not say are absent; times in seconds. */
export interface TraceJob {
  readonly name: string;
  readonly tenant: string;
  readonly submitS: number;
  /** All of the job's GPUs. */
  readonly gpus: number;
  readonly gpusPerNode: number | undefined;
  readonly replicas: number;
  /** Thousandths of each of its GPUs. */
  readonly gpuMilli: number | undefined;
  readonly cpus: number | undefined;
  readonly memoryMb: number | undefined;
  readonly durationS: number | undefined;
  /** `A|B`: any of these models. */
  readonly gpuModel: string | undefined;
  /** The run time that its user asked for. */
  readonly requestedS: number | undefined;
}

/** Reads a trace of jobs: CSV with a heading, gzipped if its name says so. Rows with a negative time or number of GPUs are left out. */
export function readTraceJobs(path: string): TraceJob[] {
  return readCsv(path)
    .map((row): TraceJob => {
      const number = (column: string) => (row.get(column) ? Number(row.get(column)) : undefined);
      const gpuMilli = number("gpu_milli");
      return {
        name: row.get("job_id") ?? "",
        tenant: row.get("user_or_tenant") || "none",
        submitS: number("submit_s") ?? 0,
        gpus: number("gpus") ?? 0,
        gpusPerNode: number("gpu_per_node"),
        replicas: number("replicas") ?? 1,
        gpuMilli,
        cpus: number("cpus"),
        memoryMb: number("mem_mb"),
        durationS: number("duration_s"),
        gpuModel: row.get("gpu_model_req") || undefined,
        requestedS: number("est_s"),
      };
    })
    .filter(({ submitS, gpus, durationS = 0 }) => submitS >= 0 && gpus >= 0 && durationS >= 0);
}

/** Reads the hosts of a trace. What it does not say is more than any job asks for. */
export function readTraceNodes(path: string): ReplayNode[] {
  return readCsv(path).map((row) => ({
    name: row.get("node_id") ?? "",
    gpus: Number(row.get("gpus") ?? 0),
    gpuModel: row.get("gpu_model") || "GPU",
    gpuMemoryMb: Number(row.get("gpu_mem_mb") || PLENTY),
    cpuCores: Number(row.get("cpus") || PLENTY),
    memoryMb: Number(row.get("mem_mb") || PLENTY),
    allowsSharing: true,
  }));
}

/** Cores or megabytes of a host of which nothing is known. */
const PLENTY = 1e9;

/** Hosts that are all alike, with as many cores and as much memory as anybody could want. */
export function uniformNodes(count: number, gpus: number): ReplayNode[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${index + 1}`,
    gpus,
    gpuModel: "GPU",
    gpuMemoryMb: 80_000,
    cpuCores: PLENTY,
    memoryMb: PLENTY,
  }));
}

function readCsv(path: string): ReadonlyMap<string, string>[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const [heading = "", ...lines] = text.trimEnd().split("\n");
  const columns = heading.trim().split(",");
  return lines.map((line) => {
    const cells = line.trim().split(",");
    return new Map(columns.map((column, index) => [column, cells[index] ?? ""]));
  });
}
