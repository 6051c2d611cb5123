import type { Occupant } from "../../executor/executor.ts";
import { type Finding, jobText } from "./finding.ts";
import type { OwnedProcess } from "./owner.ts";
import type { SeenDevice } from "./sighting.ts";
import type { DeviceTree } from "./devices.ts";
import type { Standings } from "./standing.ts";
import type { Units } from "./units.ts";

export interface OrphanContext {
  readonly agentId: string;
  readonly devices: readonly SeenDevice[];
  readonly tree: DeviceTree;
  readonly units: Units;
  readonly standings: Standings;
  readonly owned: readonly OwnedProcess[];
}

/**
 * Containers and sessions of this agent, alone of this agent, that live although their attempt is over, or that no attempt is known
 * of. Which processes have which device plays no part in whether one is an orphan: a driver's word is no reason to end anything.
 */
export function findOrphans(context: OrphanContext): readonly Finding[] {
  const { agentId, units } = context;
  return units.all().flatMap((unit) => (unit.agentId === agentId ? (orphanOf(context, unit) ?? []) : []));
}

function orphanOf(context: OrphanContext, unit: Occupant): Finding | undefined {
  const standing = context.standings.of(unit.key);
  if (standing === "wanted") return undefined;
  const inhabitants = context.owned.filter(({ owner }) => owner.kind === "ours" && owner.unit.id === unit.id);
  if (!unit.isRunning && inhabitants.length === 0) return undefined;
  const what = unit.kind === "container" ? `container ${unit.id.slice(0, 12)}` : `the processes of session ${unit.id}`;
  const why = standing === "over" ? "which is over" : "which this node does not know";
  return {
    id: `orphan:${standing}:${unit.id}`,
    kind: "orphan",
    deviceIds: devicesOf(context, unit, inhabitants),
    text: `${what} of ${jobText(unit.key)}, ${why}`,
    unit,
    isUnclaimed: standing === "unknown",
    processes: inhabitants.flatMap(({ host }) => (host ? [{ pid: host.pid, startTicks: host.startTicks }] : [])),
  };
}

/** Those that it was given, as long as it can go onto them, and those that its processes have. */
function devicesOf({ devices, tree }: OrphanContext, unit: Occupant, inhabitants: readonly OwnedProcess[]): string[] {
  const had: string[] = inhabitants.map(({ process }) => process.deviceId);
  const all = unit.isRunning ? [...had, ...unit.deviceIds] : had;
  return devices.map(({ id }) => id).filter((id) => all.some((one) => tree.overlap(one, id)));
}
