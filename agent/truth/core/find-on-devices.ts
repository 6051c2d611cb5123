import { allocationName } from "../../../base/ids.ts";
import type { Occupant } from "../../executor/executor.ts";
import type { DeviceTree } from "./devices.ts";
import { type Finding, jobText } from "./finding.ts";
import type { OwnedProcess } from "./owner.ts";
import { identityOf, type SeenAllocation, type SeenDevice } from "./sighting.ts";

/** What one look found, with whose each process is. */
export interface View {
  readonly devices: readonly SeenDevice[];
  readonly tree: DeviceTree;
  readonly owned: readonly OwnedProcess[];
  /** Those that are not over. */
  readonly wanted: readonly SeenAllocation[];
}

/** Processes on the device that nobody of ours is, or that a job is to which it was not granted. */
export function findOnDevice(view: View, device: SeenDevice): readonly Finding[] {
  return view.owned
    .filter(({ process }) => view.tree.overlap(process.deviceId, device.id))
    .flatMap((owned) => findingOf(view, device, owned) ?? []);
}

function findingOf(view: View, device: SeenDevice, owned: OwnedProcess): Finding | undefined {
  const { process, host, owner } = owned;
  const deviceIds = [device.id];
  const who = `${device.id}:${host ? identityOf(host) : process.pid}`;
  switch (owner.kind) {
    case "ours":
      if (owner.standing !== "wanted") return undefined;
      return isGranted(view, owner.unit, process.deviceId)
        ? undefined
        : { id: `wrong-job:${who}`, kind: "wrong-job", deviceIds, text: wrongJobText(owned, owner.unit) };
    case "other-agent":
      return { id: `foreign:${who}`, kind: "foreign", deviceIds, text: otherAgentText(owned, owner.unit) };
    case "foreign":
      return { id: `foreign:${who}`, kind: "foreign", deviceIds, text: describe(owned) };
    case "unseen":
      // Where a job has the device, it may well be the job's.
      if (grantedOf(view, device.id).length > 0) return undefined;
      return { id: `foreign:unseen:${who}`, kind: "foreign", deviceIds, text: unseenText(owned) };
    case "ignored":
    case "undetermined":
      return undefined;
  }
}

/** The allocations that have the device, or a slice of it, or the GPU that it is of. */
export function grantedOf({ wanted, tree }: View, deviceId: string): readonly SeenAllocation[] {
  return wanted.filter(({ deviceIds }) => deviceIds.some((id) => tree.overlap(id, deviceId)));
}

/** By what the core knows; the labels of the container say the same. */
function isGranted({ wanted, tree }: View, { key }: Occupant, deviceId: string): boolean {
  const name = allocationName(key);
  const allocation = wanted.find((one) => allocationName(one.key) === name);
  return allocation?.deviceIds.some((id) => tree.overlap(id, deviceId)) ?? false;
}

/** `python (pid 4711, user anna), which has 642 MB of its memory` */
export function describe({ process, host }: OwnedProcess): string {
  const memory = process.memoryMb === undefined ? "" : `, which has ${Math.round(process.memoryMb)} MB of its memory`;
  if (!host) return `pid ${process.pid}${memory}`;
  const container = host.containerIds.at(-1);
  const where = container === undefined ? "" : `, in container ${container.slice(0, 12)}`;
  return `${host.command} (pid ${process.pid}, user ${host.user}${where})${memory}`;
}

function wrongJobText(owned: OwnedProcess, { key }: Occupant): string {
  return `a process of ${jobText(key)}, which was granted others: ${describe(owned)}`;
}

function otherAgentText(owned: OwnedProcess, { key, agentId }: Occupant): string {
  return `a process of ${jobText(key)} of another agent (${agentId}): ${describe(owned)}`;
}

function unseenText(owned: OwnedProcess): string {
  return `a process that this agent cannot see, perhaps for being in a container itself: ${describe(owned)}`;
}
