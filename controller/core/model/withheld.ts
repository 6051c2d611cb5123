import type { DeviceId } from "../../../base/ids.ts";
import { type Conditions, conditionOf } from "./device-condition.ts";

/** Why a device is given to nobody, whoever asks. */
export type Withholding =
  /** Something still runs there that was given up, and that the agent is to end. */
  | { readonly kind: "leftover" }
  /** It slows itself down for heat. */
  | { readonly kind: "throttling" }
  /** Its agent or an operator says so, and why. */
  | { readonly kind: "condition"; readonly why: string };

/** What a node has of devices that nobody is to be given. */
interface Withholder extends Conditions {
  readonly leftovers: ReadonlyMap<string, readonly DeviceId[]>;
  readonly throttling: ReadonlySet<DeviceId>;
}

const NOTHING: ReadonlyMap<DeviceId, Withholding> = new Map();

/** The devices of the node that nobody is given. Nearly every node has none. */
export function withheldDevices(node: Withholder): ReadonlyMap<DeviceId, Withholding> {
  const { leftovers, throttling, conditions, record } = node;
  const { deviceWords } = record;
  if (leftovers.size + throttling.size + conditions.size === 0 && !deviceWords) return NOTHING;
  const withheld = new Map<DeviceId, Withholding>();
  for (const id of conditions.keys()) withholdByCondition(node, id, withheld);
  for (const id in deviceWords) withholdByCondition(node, id as DeviceId, withheld);
  for (const id of throttling) withheld.set(id, { kind: "throttling" });
  for (const devices of leftovers.values()) for (const id of devices) withheld.set(id, { kind: "leftover" });
  return withheld;
}

function withholdByCondition(node: Withholder, id: DeviceId, withheld: Map<DeviceId, Withholding>): void {
  const why = conditionOf(node, id)?.withheld ?? "";
  if (why !== "") withheld.set(id, { kind: "condition", why });
}

/** `GPU-1 is unhealthy: XID 79: …`, or what was found on it: `GPU-1: a process of …`. */
export function describeWithholding(id: DeviceId, why: string): string {
  return /^(suspect|unhealthy|quarantined)\b/.test(why) ? `${id} is ${why}` : `${id}: ${why}`;
}
