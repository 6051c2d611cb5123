/** Why nodes do not take a job, rendered for people. */
import { type Demand, WHOLE_DEVICE } from "../core/model/job.ts";
import type { NodeReason, Verdict, Withheld } from "../core/schedule/reason.ts";
import { namesOf } from "./names.ts";

/** What one node says to a job; follows its name. */
export function describeVerdict(verdict: Verdict, demand: Demand): string {
  if (verdict.answer === "fits") return describeRoom(verdict.gpus ?? demand.gpus, demand);
  return describeReason(verdict.reason, demand);
}

function describeRoom(number: number, demand: Demand): string {
  if (number >= demand.gpus) return "has room for the job";
  return `has room for ${number} of the job's ${demand.gpus} GPUs`;
}

/** Why a node does not take a job; follows its name. */
export function describeReason(reason: NodeReason, demand: Demand): string {
  switch (reason.kind) {
    case "not-online":
      return `is ${reason.reach}`;
    case "not-connected":
      return "is not connected";
    case "cordoned":
      return "is cordoned";
    case "executor-not-ready":
      return `cannot start jobs now: ${reason.message}`;
    case "proving":
      return `is back for ${reason.good} of ${reason.needed} good heartbeats`;
    case "needs-image":
      return "runs containers, and the job names no image";
    case "no-sharing":
      return "does not share GPUs: only jobs without gpu_milli can run there";
    case "volume":
      return describeVolume(reason);
    case "selector":
      return describeSelector(reason);
    case "too-few-gpus":
      return `has ${gpus(reason.has, demand)} of the ${reason.wants} needed`;
    case "too-few-cores":
      return `has ${count(reason.has, "core")} of the ${reason.wants} needed`;
    case "too-little-memory":
      return `has ${reason.hasMb} MB of memory of the ${reason.wantsMb} needed`;
    case "gpus-busy":
      if (demand.milli < WHOLE_DEVICE) return `has no GPU of which as much is free${describeWithheld(reason.withheld)}`;
      return `has ${gpus(reason.free, demand)} free of the ${reason.wants} needed${describeWithheld(reason.withheld)}`;
    case "cores-busy":
      return `has ${count(reason.free, "core")} free of the ${reason.wants} needed`;
    case "memory-busy":
      return `has ${reason.freeMb} MB of memory free of the ${reason.wantsMb} needed`;
    case "gpu-memory-quota":
      return `has GPUs of which the job would hold ${reason.wantsMb} MB, and its tenant's quota has ${reason.leftMb} MB for it`;
    case "claimed":
      return `has room that is kept for ${namesOf(reason.for)}, for which others were stopped`;
  }
}

function describeVolume({ source, problem }: NodeReason & { kind: "volume" }): string {
  switch (problem) {
    case "not-allowed":
      return `allows no volume from ${source}`;
    case "read-only":
      return `allows a volume from ${source} only with read_only true`;
    case "elsewhere":
      return `runs plain processes, which see ${source} in its own place only: its target must be the same`;
  }
}

function describeSelector({ label, wants, has }: NodeReason & { kind: "selector" }): string {
  const what = has === undefined ? "it has no such label" : `its ${label} is ${has}`;
  return `does not match node_selector ${label}=${wants}: ${what}`;
}

/** `2 GPUs of h100 with 80000 MB`: so many, and of which kind, as far as the job minds. */
export function gpus(number: number, { gpuModels, gpuMemoryMb }: Demand, determiner = String(number)): string {
  const model = gpuModels.length > 0 ? ` of ${gpuModels.join(" or ")}` : "";
  const memory = gpuMemoryMb > 0 ? ` with ${gpuMemoryMb} MB` : "";
  return `${determiner} ${number === 1 ? "GPU" : "GPUs"}${model}${memory}`;
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

/** The end of a sentence on devices: why some that nobody uses are not free. */
export function describeWithheld({ throttling, leftover, claimed, conditions, told }: Withheld = NOTHING): string {
  const some = (number: number, one: string, more: string) =>
    number === 0 ? "" : `; ${number} ${number === 1 ? one : more}`;
  return (
    some(throttling, "slows itself down for heat", "slow themselves down for heat") +
    some(leftover, "is not left yet by a job that was given up", "are not left yet by jobs that were given up") +
    some(
      claimed,
      "is kept for a job for which others were stopped",
      "are kept for jobs for which others were stopped",
    ) +
    some(conditions, `is withheld: ${told.join("; ")}`, `are withheld: ${told.join("; ")}${andMore(conditions, told)}`)
  );
}

function andMore(number: number, told: readonly string[]): string {
  return number > told.length ? `; and ${number - told.length} more` : "";
}

const NOTHING: Withheld = { throttling: 0, leftover: 0, claimed: 0, conditions: 0, told: [] };
