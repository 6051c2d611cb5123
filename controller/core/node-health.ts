/** What a node says of its own health, and how one that was lost or out of order earns new jobs again. */
import type { DeviceId } from "../../base/ids.ts";
import type { ExecutorHealth } from "./input.ts";
import type { DeviceCondition } from "./model/device-condition.ts";
import { GOOD_BEATS_NEEDED, type Node } from "./model/node.ts";

/** Takes over whether the node can start jobs. One that could and now cannot has to prove itself once it can. */
export function takeExecutor(node: Node, { ready, message }: ExecutorHealth): void {
  if (!ready && (node.executorReady || node.goodBeats !== undefined)) node.goodBeats = 0;
  node.executorReady = ready;
  node.executorMessage = message;
}

/** Counts a heartbeat of a node that has to prove itself; true when it changes whether the node is given jobs. */
export function proveBy(node: Node): boolean {
  if (node.goodBeats === undefined || !node.executorReady) return false;
  node.goodBeats += 1;
  if (node.goodBeats < GOOD_BEATS_NEEDED) return false;
  node.goodBeats = undefined;
  return true;
}

const NONE: ReadonlyMap<DeviceId, DeviceCondition> = new Map();

/** Takes over how the node's devices are; true when that changes which of them are given out, or why not. */
export function takeConditions(node: Node, told: readonly DeviceCondition[] | undefined): boolean {
  const before = node.conditions;
  node.conditions = told && told.length > 0 ? new Map(told.map((condition) => [condition.id, condition])) : NONE;
  if (before.size !== node.conditions.size) return true;
  for (const { id, withheld, health, since } of node.conditions.values()) {
    const was = before.get(id);
    // A release that an operator gave for one time does not hold for a later one.
    if (was?.withheld !== withheld || was.health !== health || was.since !== since) return true;
  }
  return false;
}
