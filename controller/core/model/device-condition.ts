import type { DeviceId } from "../../../base/ids.ts";

/** How a device is, as its agent told last. The controller judges no device itself: it shows what it is told, and heeds `withheld`. */
export interface DeviceCondition {
  readonly id: DeviceId;
  readonly health: "healthy" | "suspect" | "unhealthy" | "quarantined";
  /** Who says so: `agent`, or an operator. */
  readonly owner: string;
  /** Empty for one that is healthy. */
  readonly reason: string;
  /** What makes it healthy again. */
  readonly wayBack: string;
  readonly since: number;
  /** What is on it, in the protocol's word without its prefix: `foreign`. */
  readonly use: string;
  readonly useReason: string;
  /** Why no job is given it; empty when it may be given out. */
  readonly withheld: string;
}

/** An operator's word on a device, which holds against its agent's. */
export type DeviceWord = {
  readonly at: number;
  readonly by: string;
  readonly reason: string;
} & (
  | { readonly kind: "quarantine" }
  /** The agent's word that is overruled: what it says of a later time holds again. */
  | { readonly kind: "release"; readonly over: number }
);

/** What nodes have of devices' conditions. */
export interface Conditions {
  readonly record: {
    readonly inventory: { readonly devices: readonly { readonly id: DeviceId }[] };
    readonly deviceWords?: Readonly<Record<string, DeviceWord>>;
  };
  readonly conditions: ReadonlyMap<DeviceId, DeviceCondition>;
}

/** How the device is, with what an operator said of it; undefined where nobody said anything. */
export function conditionOf({ record, conditions }: Conditions, id: DeviceId): DeviceCondition | undefined {
  const told = conditions.get(id);
  const word = record.deviceWords?.[id];
  if (word?.kind === "quarantine") return quarantined(id, word, told);
  if (word && told && isOverruled(told, word)) {
    const reason = `released${describeWord(word)}; its agent says: ${told.reason}`;
    return { ...told, owner: word.by || "operator", reason, withheld: "" };
  }
  return told;
}

/** Whether what the agent says of its health is what an operator has released it from. */
export function isOverruled(told: DeviceCondition, word: DeviceWord | undefined): boolean {
  return word?.kind === "release" && told.health !== "healthy" && told.since <= word.over;
}

function quarantined(id: DeviceId, word: DeviceWord, told: DeviceCondition | undefined): DeviceCondition {
  return {
    id,
    health: "quarantined",
    owner: word.by || "operator",
    reason: word.reason || "an operator wants no jobs on it",
    wayBack: "returns when an operator releases it",
    since: word.at,
    use: told?.use ?? "unspecified",
    useReason: told?.useReason ?? "",
    withheld: `quarantined${describeWord(word)}`,
  };
}

/** ` by ann: its fan is replaced`, as far as it is known. */
function describeWord({ by, reason }: DeviceWord): string {
  return (by === "" ? "" : ` by ${by}`) + (reason === "" ? "" : `: ${reason}`);
}

/** How many of these nodes' devices are in which health; of those of which nobody told anything it is not known. */
export function countHealth(
  nodes: Iterable<Conditions>,
): Readonly<Record<DeviceCondition["health"] | "unknown", number>> {
  const counts = { healthy: 0, suspect: 0, unhealthy: 0, quarantined: 0, unknown: 0 };
  for (const node of nodes) {
    for (const { id } of node.record.inventory.devices) counts[conditionOf(node, id)?.health ?? "unknown"] += 1;
  }
  return counts;
}

/** Every device of which there is something to say: those of the inventory, and others that somebody spoke of. */
export function allConditions(node: Conditions): readonly DeviceCondition[] {
  const { inventory, deviceWords = {} } = node.record;
  const spokenOf = Object.keys(deviceWords) as DeviceId[];
  const ids = new Set([...inventory.devices.map(({ id }) => id), ...node.conditions.keys(), ...spokenOf]);
  return [...ids].flatMap((id) => conditionOf(node, id) ?? []);
}
