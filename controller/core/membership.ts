/** How the leader sees to it that agents know each other. */
import type { NodeName } from "../../base/ids.ts";
import { MAX_MEMBERS, MIN_MEMBERS, type Member, type Membership, meshTiming } from "./model/membership.ts";
import { compareNatural } from "./model/natural-order.ts";
import type { Node } from "./model/node.ts";
import type { State } from "./model/state.ts";
import type { Output } from "./output.ts";

/** Between two looks at who should be a member: what changes meanwhile is in the next version. */
const LOOK_EVERY_MS = 10_000;
/** Versions that a node may have been sent without a word of it; it is sent no more before that. */
const MAX_UNACKNOWLEDGED = 8;

/** Who can be reached by his peers may have changed: it is looked at soon, once for all changes of that time. */
export function watchMembership(state: State, at: number): void {
  const { mesh } = state;
  if (mesh.isWatched) return;
  mesh.isWatched = true;
  state.deadlines.add({ at: Math.max(at, mesh.lookedAt + LOOK_EVERY_MS), kind: "membership" });
}

/** Issues a new version if other nodes than before can be reached by their peers. */
export function lookAtMembership(state: State, at: number, out: Output): void {
  const { mesh, settings } = state;
  mesh.isWatched = false;
  mesh.lookedAt = at;
  const members = membersNow(state);
  const timing = meshTiming(settings);
  const { current } = mesh;
  const highest = highestNamed(state);
  if (!current && members.length === 0 && highest === 0) return;
  if (current && isSame(current, { timing, members }) && highest <= current.version) return;
  const membership: Membership = { version: Math.max(highest, current?.version ?? 0) + 1, timing, members };
  mesh.add(membership);
  out.write({ table: "membership", key: String(membership.version), value: membership });
  for (const node of state.nodes.values()) if (node.session !== undefined) sendMembership(state, node, out);
  forgetUnnamed(state, out);
}

/** Tells a connected node of the newest version, unless it has it. That it may have it is durable before it is sent. */
export function sendMembership(state: State, node: Node, out: Output): void {
  const membership = state.mesh.current;
  const { name, memberships: known = { acknowledged: 0, sent: [] } } = node.record;
  if (!membership || node.session === undefined || node.record.inventory.peerAddress === undefined) return;
  const { version } = membership;
  if (known.acknowledged >= version) return;
  if (!known.sent.includes(version)) {
    if (known.sent.length >= MAX_UNACKNOWLEDGED) return;
    node.record = { ...node.record, memberships: { ...known, sent: [...known.sent, version] } };
    out.write({ table: "node", key: name, value: node.record });
  }
  out.tell({ kind: "membership", node: name, session: node.session, membership });
}

/** The node's agent has the version on its disk: it goes by no earlier one any more. */
export function acknowledgeMembership(node: Node, version: number, out: Output): void {
  const { name, memberships: known } = node.record;
  if (!known || version <= known.acknowledged) return;
  const memberships = { acknowledged: version, sent: known.sent.filter((sent) => sent > version) };
  node.record = { ...node.record, memberships };
  out.write({ table: "node", key: name, value: node.record });
}

/** All that have an address for their peers, but for those that are lost; who was a member stays one. */
function membersNow(state: State): readonly Member[] {
  const before = new Set<NodeName>(state.mesh.current?.members.map(({ name }) => name));
  const members: Member[] = [];
  for (const { record, reach } of state.nodes.values()) {
    const { name, inventory } = record;
    if (inventory.peerAddress !== undefined && reach !== "lost") members.push({ name, address: inventory.peerAddress });
  }
  if (members.length < MIN_MEMBERS) return [];
  members.sort((a, b) => compareNatural(a.name, b.name));
  if (members.length <= MAX_MEMBERS) return members;
  const staying = members.filter(({ name }) => before.has(name)).slice(0, MAX_MEMBERS);
  const coming = members.filter(({ name }) => !before.has(name)).slice(0, MAX_MEMBERS - staying.length);
  return [...staying, ...coming].sort((a, b) => compareNatural(a.name, b.name));
}

function isSame(a: Pick<Membership, "timing" | "members">, b: Pick<Membership, "timing" | "members">): boolean {
  const { hearingMs, vouchMs, stopMs } = a.timing;
  if (hearingMs !== b.timing.hearingMs || vouchMs !== b.timing.vouchMs || stopMs !== b.timing.stopMs) return false;
  return (
    a.members.length === b.members.length &&
    a.members.every(({ name, address }, index) => {
      return name === b.members[index]?.name && address === b.members[index]?.address;
    })
  );
}

/** Of a store that was put back from a copy, agents may know versions that nobody else does any more. */
function highestNamed(state: State): number {
  let highest = 0;
  for (const { record } of state.nodes.values()) {
    const { acknowledged = 0, sent = [] } = record.memberships ?? {};
    highest = Math.max(highest, acknowledged, ...sent);
  }
  return highest;
}

/** Removes the versions that no node can go by. */
function forgetUnnamed(state: State, out: Output): void {
  const { memberships, current } = state.mesh;
  const named = new Set([current?.version]);
  for (const { record } of state.nodes.values()) {
    named.add(record.memberships?.acknowledged);
    for (const version of record.memberships?.sent ?? []) named.add(version);
  }
  for (const version of memberships.keys()) {
    if (named.has(version)) continue;
    memberships.delete(version);
    out.write({ table: "membership", key: String(version), value: null });
  }
}
