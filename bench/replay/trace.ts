import type { ReplayNode } from "../../controller/replay/workload.ts";
import { readCsv, TraceError } from "./csv.ts";
import { type Columns, type Note, type TraceRow, traceRows } from "./trace-row.ts";

/** A row of a trace of jobs. Fields that the source does not say are absent; times in seconds. */
export interface TraceJob {
  /** Unique in the trace. */
  readonly name: string;
  readonly tenant: string;
  readonly submitS: number | undefined;
  /** All of the job's GPUs. */
  readonly gpus: number;
  readonly gpusPerNode: number;
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

const JOB_COLUMNS: Columns = {
  required: ["submit_s", "gpus", "duration_s"],
  optional: [
    ...[
      "job_id",
      "user_or_tenant",
      "gpu_per_node",
      "replicas",
      "gpu_milli",
      "cpus",
      "mem_mb",
      "gpu_model_req",
      "est_s",
    ],
    // Known, and of no use here.
    ...["final_state", "priority", "log_wait_s"],
  ],
};

const NODE_COLUMNS: Columns = {
  required: ["node_id", "gpus"],
  optional: ["gpu_model", "gpu_mem_mb", "cpus", "mem_mb"],
};

const NEGATIVE = { min: -1e10 };
/** Devices of one host, beyond any that will be built. */
const MAX_GPUS = 10_000;

/**
 * Reads a trace of jobs: CSV with a heading, gzipped or not. Rows with a negative time or number of GPUs are left out: logs have
 * such ones for jobs that never were.
 *
 * @throws TraceError that names the file, the line and the column
 */
export function readTraceJobs(path: string, note: Note = console.error): TraceJob[] {
  const names = new Set<string>();
  const rows = traceRows(path, readCsv(path), JOB_COLUMNS, note);
  const jobs = rows.flatMap((row) => traceJob(row, names) ?? []);
  const left = rows.length - jobs.length;
  if (left > 0) note(`${path}: rows left out for a negative time or number of GPUs: ${left} of ${rows.length}`);
  return jobs;
}

function traceJob(row: TraceRow, names: Set<string>): TraceJob | undefined {
  const submitS = row.number("submit_s", NEGATIVE);
  const durationS = row.number("duration_s", NEGATIVE);
  const gpus = row.required("gpus", { ...NEGATIVE, isWhole: true });
  if (gpus < 0 || (submitS ?? 0) < 0 || (durationS ?? 0) < 0) return undefined;
  const id = row.text("job_id") ?? `line ${row.line}`;
  // Each row is a job, whatever it is called.
  const name = names.has(id) ? `${id} (line ${row.line})` : id;
  names.add(name);
  return {
    name,
    tenant: row.text("user_or_tenant") ?? "none",
    submitS,
    gpus,
    ...shapeOf(row, gpus),
    cpus: row.number("cpus"),
    memoryMb: row.number("mem_mb"),
    durationS,
    gpuModel: row.text("gpu_model_req"),
    requestedS: row.number("est_s"),
  };
}

/** How the job's GPUs lie on nodes: what is not said follows from the rest. */
function shapeOf(row: TraceRow, gpus: number): Pick<TraceJob, "gpusPerNode" | "replicas" | "gpuMilli"> {
  const perNode = row.number("gpu_per_node", { isWhole: true });
  const replicas = row.number("replicas", { isWhole: true, min: 1 }) ?? (perNode ? gpus / perNode : 1);
  const gpusPerNode = perNode ?? gpus / replicas;
  if (gpusPerNode * replicas !== gpus || !Number.isInteger(replicas) || !Number.isInteger(gpusPerNode)) {
    throw row.fault("gpus", `${gpus} is not gpu_per_node times replicas, ${gpusPerNode} times ${replicas}`);
  }
  if (replicas > 1 && gpus === 0) throw row.fault("replicas", "a job without GPUs cannot have more than one");
  const gpuMilli = row.number("gpu_milli", { isWhole: true, max: 1_000 });
  if (gpuMilli === 0 && gpus > 0) throw row.fault("gpu_milli", "0 of each GPU is no GPU");
  return { gpusPerNode, replicas, gpuMilli };
}

/**
 * Reads the hosts of a trace. What it does not say is more than any job asks for.
 *
 * @throws TraceError that names the file, the line and the column
 */
export function readTraceNodes(path: string, note: Note = console.error): ReplayNode[] {
  const names = new Set<string>();
  const nodes = traceRows(path, readCsv(path), NODE_COLUMNS, note).map((row): ReplayNode => {
    const name = row.text("node_id") ?? `line ${row.line}`;
    if (names.has(name)) throw row.fault("node_id", `there are two nodes ${name}`);
    names.add(name);
    return {
      name,
      gpus: row.required("gpus", { isWhole: true, max: MAX_GPUS }),
      gpuModel: row.text("gpu_model") ?? "GPU",
      gpuMemoryMb: row.number("gpu_mem_mb") ?? PLENTY,
      cpuCores: row.number("cpus") ?? PLENTY,
      memoryMb: row.number("mem_mb") ?? PLENTY,
      allowsSharing: true,
    };
  });
  if (nodes.length === 0) throw new TraceError(`${path} has no nodes`);
  return nodes;
}

/** Cores or megabytes of a host of which nothing is known. */
const PLENTY = 1e9;

/** Hosts that are all alike, with as many cores and as much memory as anybody could want, whose GPUs may be shared. */
export function uniformNodes(count: number, gpus: number): ReplayNode[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${index + 1}`,
    gpus,
    gpuModel: "GPU",
    gpuMemoryMb: 80_000,
    cpuCores: PLENTY,
    memoryMb: PLENTY,
    allowsSharing: true,
  }));
}
