import { type Demand, demandOf, type JobSpec, WHOLE_DEVICE } from "./job.ts";

/** Jobs of one kind ask the same of the cluster: one answer is good for all of them. */
export interface Kind {
  readonly demand: Demand;
  /** Equal for equal demands. */
  readonly shape: string;
  /** Which devices and nodes it may use at all: jobs of different pools do not hold each other up. */
  readonly pool: string;
}

/** The kinds that are known, each once. */
export class Kinds {
  readonly #byShape = new Map<string, Kind>();
  /** The last answer: a job that comes is asked about more than once. To remember all of a million specs would cost more than it saves. */
  #last: { readonly spec: JobSpec; readonly kind: Kind } | undefined;

  of(spec: JobSpec): Kind {
    if (this.#last?.spec === spec) return this.#last.kind;
    const demand = demandOf(spec);
    const shape = shapeOf(demand);
    const kind = this.#byShape.get(shape) ?? { demand, shape, pool: poolOf(demand) };
    this.#byShape.set(shape, kind);
    this.#last = { spec, kind };
    return kind;
  }
}

/** The kind on no larger devices than that together they are within so much memory, however they differ. */
export function keptTo({ demand, shape, pool }: Kind, totalMb: number): Kind {
  const maxGpuMemoryMb = Math.floor((totalMb * WHOLE_DEVICE) / (demand.gpus * demand.milli));
  return { demand: { ...demand, maxGpuMemoryMb }, shape: `${shape} up to ${maxGpuMemoryMb}`, pool };
}

function shapeOf(demand: Demand): string {
  const { gpus, milli, gpuMemoryMb, gpuModels, cpuCores, memoryMb, gang, gpusPerNode, hasImage } = demand;
  const numbers = `${gpus}/${milli}/${gpuMemoryMb}/${cpuCores}/${memoryMb}/${gang ? (gpusPerNode ?? "packed") : ""}`;
  return `${numbers}/${hasImage}/${gpuModels.join("|")}/${nodesOf(demand)}`;
}

function poolOf(demand: Demand): string {
  return `${demand.gpus === 0 ? "cpu" : demand.gpuModels.join("|")}/${nodesOf(demand)}`;
}

/** Most jobs select no nodes and have no volumes: then nothing is made into JSON. */
function nodesOf({ nodeSelector, volumes }: Demand): string {
  const mounts = volumes.length === 0 ? "" : JSON.stringify(volumes);
  for (const _ in nodeSelector) return JSON.stringify(nodeSelector) + mounts;
  return mounts;
}
