import type { NodeName } from "../../../base/ids.ts";

/** A node whose agent others can reach, and where. */
export interface Member {
  readonly name: NodeName;
  readonly address: string;
}

/**
 * How the mesh is timed, in milliseconds. It goes with the membership, so that a leader judges a node by what that node goes by,
 * whatever has been set since.
 */
export interface MeshTiming {
  /** So long after the sending of what a node is known to have heard, the leader counts it as heard; for longer, the node says that it hears none. */
  readonly hearingMs: number;
  /** How long a node's word that it hears no leader counts. */
  readonly vouchMs: number;
  /** Within how long after that what ran by it is gone. */
  readonly stopMs: number;
}

/** A version of the list of nodes that can reach each other. Never changes; removed when no node can go by it any more. */
export interface Membership {
  readonly version: number;
  readonly timing: MeshTiming;
  /** Nobody where there are fewer than three: then every node has its lease alone. */
  readonly members: readonly Member[];
}

/** By which memberships a node may go. */
export interface KnownMemberships {
  /** The highest that it has said to have on its disk; 0 is none. */
  readonly acknowledged: number;
  /** Those that it was sent since, in order: it may have any of them. */
  readonly sent: readonly number[];
}

/** With fewer no majority survives the loss of one. */
export const MIN_MEMBERS = 3;

/** More would only cost messages: who asks, asks all of them. Nodes beyond it go by the word of those that are. */
export const MAX_MEMBERS = 101;

const MAX_HEARING_MS = 15_000;
const MAX_VOUCH_MS = 15_000;
const MAX_STOP_MS = 30_000;
/** Each of them is at most this part of the lease, so that all of it happens within one. */
const PARTS_OF_LEASE = 6;

/** What is set that the mesh depends on. */
interface LeaseSettings {
  readonly nodeLostAfterMs: number;
}

/** How the mesh is timed with these settings. */
export function meshTiming({ nodeLostAfterMs }: LeaseSettings): MeshTiming {
  const part = Math.floor(nodeLostAfterMs / PARTS_OF_LEASE);
  return {
    hearingMs: Math.min(MAX_HEARING_MS, part),
    vouchMs: Math.min(MAX_VOUCH_MS, part),
    stopMs: Math.min(MAX_STOP_MS, part),
  };
}

/** The memberships that some node may go by. */
export class Mesh {
  /** By version. */
  readonly memberships = new Map<number, Membership>();
  /** The newest. */
  current: Membership | undefined;
  /** Whether a look at who should be a member is among the deadlines. */
  isWatched = false;
  /** When it was looked at last. */
  lookedAt = Number.NEGATIVE_INFINITY;

  add(membership: Membership): void {
    this.memberships.set(membership.version, membership);
    if (membership.version > (this.current?.version ?? 0)) this.current = membership;
  }

  /** Within how long a node must prove that it hears the leader, by any membership and by the settings. */
  hearingMs(settings: LeaseSettings): number {
    const timings = [...this.memberships.values()].map(({ timing }) => timing.hearingMs);
    return Math.min(meshTiming(settings).hearingMs, ...timings);
  }
}
