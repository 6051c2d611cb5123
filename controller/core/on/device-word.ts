import { RequestError } from "../../../base/errors.ts";
import { asDeviceId, type DeviceId, type JobId } from "../../../base/ids.ts";
import { findNode } from "../find-node.ts";
import type { Answers, InputOf } from "../input.ts";
import { type DeviceWord, isOverruled } from "../model/device-condition.ts";
import { type Node, withDeviceWord } from "../model/node.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";

/** As many as a node has devices: those that are quarantined and gone count, too. */
const MAX_WORDS = 1_024;

/**
 * An operator's word on a device. Quarantined it gets no new jobs until it is released, whatever becomes of the node, of its agent
 * or of its inventory. Released it is given out again, also if its agent would not, until that says something new of it. What runs
 * on it goes on either way.
 */
export function onDeviceWord(
  state: State,
  input: InputOf<"quarantine-device" | "release-device">,
  out: Output,
): Answers["quarantine-device"] {
  const { device } = input;
  const node = findNode(state, input.node);
  if (!isKnown(node, device)) throw new RequestError("not_found", "Device not found");
  forgetLapsed(node);
  if (Object.keys(node.record.deviceWords ?? {}).length >= MAX_WORDS) {
    throw new RequestError(
      "conflict",
      `over ${MAX_WORDS} devices of node ${input.node} are quarantined: release some first`,
    );
  }
  node.record = withDeviceWord(node.record, device, wordOf(node, input));
  out.write({ table: "node", key: node.record.name, value: node.record });
  state.touch(node);
  return { affected: jobsOn(node, device) };
}

/** Releases of what agents do not say any more. */
function forgetLapsed(node: Node): void {
  for (const [id, word] of Object.entries(node.record.deviceWords ?? {})) {
    const told = node.conditions.get(asDeviceId(id));
    if (word.kind === "release" && told && !isOverruled(told, word)) {
      node.record = withDeviceWord(node.record, asDeviceId(id), undefined);
    }
  }
}

function isKnown({ record, conditions }: Node, device: DeviceId): boolean {
  const { inventory, deviceWords = {} } = record;
  return (
    inventory.devices.some(({ id }) => id === device) || conditions.has(device) || Object.hasOwn(deviceWords, device)
  );
}

/** What is kept of the word: a release of a device that its agent gives out is none to keep. */
function wordOf(node: Node, input: InputOf<"quarantine-device" | "release-device">): DeviceWord | undefined {
  const { kind, at, by, reason, device } = input;
  if (kind === "quarantine-device") return { kind: "quarantine", at, by, reason };
  const told = node.conditions.get(device);
  if (!told || told.health === "healthy") return undefined;
  return { kind: "release", at, by, reason, over: told.since };
}

function jobsOn(node: Node, device: DeviceId): readonly JobId[] {
  return (node.held.get(device) ?? []).map(({ jobId }) => jobId);
}
