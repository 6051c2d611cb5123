/** Whether a leader hears enough of the cluster to start elsewhere what ran on a lost node: the argument is in docs/reliability.md. */
import { CLOCK_RATE_MARGIN } from "../../base/time.ts";
import type { Membership } from "./model/membership.ts";
import type { HeldRequeues, Node } from "./model/node.ts";
import type { State } from "./model/state.ts";

/** For the kill, and for what an agent's process may stand still. */
const STOP_MARGIN_MS = 5_000;

/** The node has heard what this leader sent at `echo`. */
export function noteEcho(state: State, node: Node, echo: number, at: number): void {
  if (echo > at || echo <= node.echoedAt) return;
  if (at > node.echoedAt + state.mesh.hearingMs(state.settings)) node.heardSince = at;
  node.echoedAt = echo;
}

/**
 * Why what ran on the lost node may not be started elsewhere: undefined when it may be. Its agent may go by any membership that it
 * has acknowledged last or was sent since, and lives on while a majority of that hears no leader: so a majority of each must
 * have heard this one, for long enough that nothing counts any more which it said before.
 */
export function whyHeld(state: State, node: Node, at: number): HeldRequeues | undefined {
  const { acknowledged, sent } = node.record.memberships ?? { acknowledged: 0, sent: [] };
  for (const version of [...(acknowledged > 0 ? [acknowledged] : []), ...sent]) {
    const membership = state.mesh.memberships.get(version);
    if (!membership) return { version, heard: 0, needed: 0, members: 0 };
    const members = membership.members.length;
    const heard = countHeard(state, membership, at);
    const needed = Math.floor(members / 2) + 1;
    if (members > 0 && heard < needed) return { version, heard, needed, members };
  }
  return undefined;
}

/** The reason in words, for the job's story and for the operator. */
export function describeHeld({ version, heard, needed, members }: HeldRequeues): string {
  if (needed === 0) return `nobody knows any more which nodes it could reach (membership ${version})`;
  return `only ${heard} of the ${members} nodes that it could reach have been heard for long enough, and ${needed} are needed`;
}

function countHeard(state: State, { members, timing }: Membership, at: number): number {
  const hearingMs = state.mesh.hearingMs(state.settings);
  const neededMs = (timing.vouchMs + timing.stopMs) * (1 + CLOCK_RATE_MARGIN) + STOP_MARGIN_MS;
  let heard = 0;
  for (const { name } of members) {
    const node = state.nodes.get(name);
    if (node && at <= node.echoedAt + hearingMs && node.heardSince <= at - neededMs) heard += 1;
  }
  return heard;
}
