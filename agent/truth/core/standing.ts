import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import type { SeenAllocation } from "./sighting.ts";

/** Names of released allocations that are remembered; beyond, the oldest are forgotten. */
const MAX_RELEASED = 10_000;

/**
 * What the agent knows of an attempt: it is wanted; it is over, and nothing of it may run; or the agent cannot know, and only
 * the leader can say.
 */
export type Standing = "wanted" | "over" | "unknown";

/** The allocations that the agent knows, and those that it has seen released in this life. */
export class Standings {
  #known = new Map<string, SeenAllocation>();
  readonly #released = new Set<string>();
  /** The newest attempt known of each job. */
  #newest = new Map<string, number>();

  /** Takes all that the core knows at the moment: what it knows no more was released. */
  learn(allocations: readonly SeenAllocation[]): void {
    const before = this.#known;
    this.#known = new Map(allocations.map((allocation) => [allocationName(allocation.key), allocation]));
    for (const name of before.keys()) if (!this.#known.has(name)) this.#released.add(name);
    for (const oldest of this.#released) {
      if (this.#released.size <= MAX_RELEASED) break;
      this.#released.delete(oldest);
    }
    this.#newest = new Map();
    for (const { key } of allocations) {
      this.#newest.set(key.jobId, Math.max(key.attempt, this.#newest.get(key.jobId) ?? 0));
    }
  }

  all(): readonly SeenAllocation[] {
    return [...this.#known.values()];
  }

  get(key: AllocationKey): SeenAllocation | undefined {
    return this.#known.get(allocationName(key));
  }

  /** What is known comes first: only then what was, and that an attempt is over when a later one is known. */
  of(key: AllocationKey): Standing {
    const known = this.get(key);
    if (known) return known.phase === "ended" ? "over" : "wanted";
    if (this.#released.has(allocationName(key))) return "over";
    return (this.#newest.get(key.jobId) ?? 0) > key.attempt ? "over" : "unknown";
  }
}
