import { present } from "../../base/assert.ts";
import { type ReplayJob, milliOf } from "./workload.ts";

/** A kind of demand on one node, and how much of the workload it is. */
interface Kind {
  /** Thousandths that one device must have free. */
  readonly milli: number;
  readonly devices: number;
  /** Lower-case parts of model names; empty is any. */
  readonly models: readonly string[];
  /** 0 to 1: the part of the workload's GPU jobs. */
  readonly weight: number;
}

interface NodeRoom {
  readonly model: string;
  readonly free: Map<string, number>;
  /** In thousandths of a GPU. */
  fragmented: number;
}

/**
 * How much of the free GPUs a job drawn at random from the workload could not use, after Weng et al., "Beware of
 * Fragmentation" (USENIX ATC 2023): on a node where the job does not fit, everything that is free; on another, the devices
 * of which too little is free. Cores and memory are not looked at, and a gang counts by what it asks of one node.
 */
export class Fragmentation {
  readonly #kinds: readonly Kind[];
  readonly #rooms = new Map<string, NodeRoom>();
  #total = 0;

  constructor(nodes: readonly { name: string; gpus: number; gpuModel: string }[], jobs: readonly ReplayJob[]) {
    const largest = nodes.reduce((most, { gpus }) => Math.max(most, gpus), 0);
    this.#kinds = kindsOf(jobs, largest);
    for (const { name, gpus, gpuModel } of nodes) {
      const free = new Map(Array.from({ length: gpus }, (_, index) => [`${name}/${index}`, 1_000]));
      const room = { model: gpuModel.toLowerCase(), free, fragmented: 0 };
      this.#rooms.set(name, room);
      this.#measure(room);
    }
  }

  /** In thousandths of a GPU: how much is free and of no use, on average over the jobs of the workload. */
  get milli(): number {
    return this.#total;
  }

  /** So many thousandths more are free on each of these devices; fewer when negative. */
  change(node: string, devices: readonly string[], milli: number): void {
    const room = present(this.#rooms.get(node), `node ${node}`);
    for (const device of devices) room.free.set(device, (room.free.get(device) ?? 0) + milli);
    this.#measure(room);
  }

  #measure(room: NodeRoom): void {
    this.#total -= room.fragmented;
    room.fragmented = 0;
    const free = [...room.free.values()];
    const total = free.reduce((sum, milli) => sum + milli, 0);
    for (const { milli, devices, models, weight } of this.#kinds) {
      const usable = free.filter((left) => left >= milli);
      const fits =
        usable.length >= devices && (models.length === 0 || models.some((part) => room.model.includes(part)));
      room.fragmented += weight * (fits ? total - usable.reduce((sum, left) => sum + left, 0) : total);
    }
    this.#total += room.fragmented;
  }
}

function kindsOf(jobs: readonly ReplayJob[], largest: number): Kind[] {
  const counts = new Map<string, { kind: Omit<Kind, "weight">; count: number }>();
  let all = 0;
  for (const job of jobs) {
    const { gpuCount, gpusPerNode, gpuMilli, gpuModel = "" } = job.spec;
    if (milliOf(job) === 0) continue;
    all += 1;
    const devices = Math.min(gpusPerNode ?? gpuCount, largest);
    const key = `${devices} ${gpuMilli ?? 1_000} ${gpuModel}`;
    const models = gpuModel
      .toLowerCase()
      .split("|")
      .filter((part) => part !== "");
    const entry = counts.get(key) ?? { kind: { devices, milli: gpuMilli ?? 1_000, models }, count: 0 };
    entry.count += 1;
    counts.set(key, entry);
  }
  return [...counts.values()].map(({ kind, count }) => ({ ...kind, weight: count / all }));
}
