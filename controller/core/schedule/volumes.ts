import type { Demand, Volume } from "../model/job.ts";
import type { Inventory } from "../model/node.ts";
import type { NodeReason, VolumeProblem } from "./reason.ts";

/** The first of the job's volumes that the node's agent will not give it. What is really there, only the agent can tell. */
export function volumeObstacle(inventory: Inventory, { volumes }: Demand): NodeReason | undefined {
  for (const volume of volumes) {
    const problem = problemOf(inventory, volume);
    if (problem !== undefined) return { kind: "volume", source: volume.source, problem };
  }
  return undefined;
}

function problemOf(
  { executor, volumePrefixes = [] }: Inventory,
  { source, target, readOnly }: Volume,
): VolumeProblem | undefined {
  const allowed = volumePrefixes.filter(({ path }) => source === path || source.startsWith(`${path}/`));
  if (allowed.length === 0) return "not-allowed";
  if (executor === "process" && source !== target) return "elsewhere";
  return readOnly || allowed.some(({ writable }) => writable) ? undefined : "read-only";
}
