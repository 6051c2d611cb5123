/** Changes that would let a job start earlier, under the names of the API's fields and in a sentence. */
import { formatTimestamp } from "../../../base/time.ts";
import type { Counterfactual as CounterfactualMessage } from "../../../proto/generated/gpusched/v1/Counterfactual.ts";
import type { FieldChange } from "../../../proto/generated/gpusched/v1/FieldChange.ts";
import type { Counterfactual } from "../../core/counterfactual.ts";
import type { JobSpec } from "../../core/model/job.ts";

/** Maps and lists are only ever left out. */
type Value = number | string | boolean | undefined;

interface Wording {
  readonly field: string;
  /** "with …" it would start earlier. */
  readonly as: (value: Value) => string;
}

const WORDINGS: { readonly [name in keyof JobSpec]?: Wording } = {
  gpuCount: { field: "gpu_count", as: (value) => `with ${count(value, "GPU")}` },
  gpuMemoryMb: {
    field: "gpu_memory_mb",
    as: (value) => (value ? `with GPUs of ${value} MB` : "with GPUs of any memory"),
  },
  gpuModel: { field: "gpu_model", as: (value) => (value ? `with GPUs of ${value}` : "with GPUs of any model") },
  cpuCores: { field: "cpu_cores", as: (value) => `with ${count(value, "core")}` },
  memoryMb: { field: "memory_mb", as: (value) => `with ${value ?? 0} MB of memory` },
  gang: { field: "gang_scheduling", as: (value) => (value ? "spread over several nodes" : "on a single node") },
  gpusPerNode: {
    field: "gpus_per_node",
    as: (value) => (value ? `with ${count(value, "GPU")} on each node` : "with any number of GPUs on each node"),
  },
  maxRuntimeMinutes: { field: "max_runtime_minutes", as: (value) => `with a limit of ${count(value, "minute")}` },
  nodeSelector: { field: "node_selector", as: () => "without its node_selector" },
};

export function fromCounterfactual({ change, startsAt }: Counterfactual, at: number): CounterfactualMessage {
  const changes = Object.entries(change).map(([name, value]) => ({
    wording: wordingOf(name),
    value: scalar(value),
  }));
  const when = startsAt <= at ? "now" : `at ${formatTimestamp(startsAt)}`;
  return {
    sentence: `${changes.map(({ wording, value }) => wording.as(value)).join(", ")} it would start ${when}`,
    change: changes.map(({ wording, value }) => ({ field: wording.field, ...fromValue(value) })),
    starts_at_ms: startsAt,
  };
}

/** A field that has no words of its own is told as it is. */
function wordingOf(name: string): Wording {
  const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return WORDINGS[name as keyof JobSpec] ?? { field, as: (value) => `with another ${field} (${value ?? "left out"})` };
}

function scalar(value: unknown): Value {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : undefined;
}

function fromValue(value: Value): Omit<FieldChange, "field"> {
  if (typeof value === "number") return { number: value };
  if (typeof value === "string") return { text: value };
  return value === undefined ? {} : { flag: value };
}

function count(value: Value, unit: string): string {
  return `${value ?? 0} ${unit}${value === 1 ? "" : "s"}`;
}
