import { allocationName } from "../../../base/ids.ts";
import { formatTimestamp, SECOND_MS } from "../../../base/time.ts";
import { type Finding, jobText } from "./finding.ts";
import { grantedOf, type View } from "./find-on-devices.ts";
import type { SeenAllocation, SeenDevice } from "./sighting.ts";

/** A device with more memory in use is not idle, even if its driver names no process. */
const IDLE_MEMORY_MB = 1_024;

interface Activity {
  /** When a process of it was last seen there, on the wall clock; undefined if never. */
  lastMs: number | undefined;
  /** Since when the agent knows it there. */
  readonly sinceMs: number;
}

/** When the jobs' processes were on the devices that were granted to them. */
export class Activities {
  #activities = new Map<string, Activity>();

  learn(view: View, wallMs: number): void {
    const next = new Map<string, Activity>();
    for (const allocation of view.wanted) {
      for (const deviceId of allocation.deviceIds) {
        const name = nameOf(allocation, deviceId);
        const activity = this.#activities.get(name) ?? { lastMs: undefined, sinceMs: wallMs };
        if (isActive(view, allocation, deviceId)) activity.lastMs = wallMs;
        next.set(name, activity);
      }
    }
    this.#activities = next;
  }

  /** Whether a process of it has ever been seen on one of its devices. */
  hasBeenActive(allocation: SeenAllocation): boolean {
    return allocation.deviceIds.some((id) => this.#activities.get(nameOf(allocation, id))?.lastMs !== undefined);
  }

  /** The running jobs of which no process is on a device of theirs, where nobody else that has a share of it uses it either. */
  findIdle(view: View, device: SeenDevice): readonly Finding[] {
    const granted = grantedOf(view, device.id);
    if (!device.namesProcesses || (device.memoryUsedMb ?? 0) > IDLE_MEMORY_MB) return [];
    if (granted.some((one) => !isSettled(one) || isActive(view, one, device.id))) return [];
    return granted.map((allocation) => ({
      id: `idle:${nameOf(allocation, device.id)}`,
      kind: "idle",
      deviceIds: [device.id],
      key: allocation.key,
      text: `${jobText(allocation.key)}, of which no process has been on it since ${this.#since(allocation, device.id)}`,
    }));
  }

  #since(allocation: SeenAllocation, deviceId: string): string {
    const { lastMs, sinceMs = 0 } = this.#activities.get(nameOf(allocation, deviceId)) ?? {};
    return formatTimestamp(wholeSeconds(lastMs ?? allocation.startedAtMs ?? sinceMs));
  }
}

/** It runs, and was not asked to end: one that begins or ends has no process on its devices for good reasons. */
export function isSettled({ phase, stopping }: SeenAllocation): boolean {
  return phase === "running" && !stopping;
}

/** A process that cannot be told to be somebody else's counts as the job's. */
function isActive({ owned, tree }: View, allocation: SeenAllocation, deviceId: string): boolean {
  const name = allocationName(allocation.key);
  return owned.some(({ process, owner }) => {
    if (!tree.overlap(process.deviceId, deviceId)) return false;
    if (owner.kind === "ours") return allocationName(owner.unit.key) === name;
    return owner.kind === "unseen" || owner.kind === "undetermined";
  });
}

/** Whether any process of it is on any of its devices. */
export function isOnAnyDevice(view: View, allocation: SeenAllocation): boolean {
  return allocation.deviceIds.some((id) => isActive(view, allocation, id));
}

function wholeSeconds(ms: number): number {
  return ms - (ms % SECOND_MS);
}

function nameOf({ key }: SeenAllocation, deviceId: string): string {
  return `${deviceId}:${allocationName(key)}`;
}
