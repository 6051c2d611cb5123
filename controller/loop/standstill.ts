import type { Input, Unstamped } from "../core/input.ts";
import { StoreError } from "../store/store.ts";

/** What agents may have said that waits: jobs end and are stopped meanwhile, and nothing new is started. */
const HELD_LIMIT = 100_000;

/**
 * What happens to inputs while the store takes no writes: what writes nothing goes on at once, so that nodes are heard and keep
 * their leases; the rest waits, in order. Requests are not for here: they are refused.
 */
export class Standstill {
  #held: Unstamped<Input>[] = [];

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** What of the input can be stepped without a write; undefined when all of it waits. */
  take(input: Unstamped<Input>): Unstamped<Input> | undefined {
    if (input.kind === "tick") return undefined;
    if (input.kind === "node-heartbeat") {
      // Which membership the node has is told with every heartbeat; what it has, once.
      const { inventory, membership: _membership, ...beat } = input;
      if (inventory) this.#hold({ ...beat, inventory });
      return beat;
    }
    if (input.kind !== "node-disconnected") {
      this.#hold(input);
      return undefined;
    }
    // A hello on a stream that is gone: the next one says it anew.
    this.#held = this.#held.filter((held) => held.kind !== "node-hello" || held.session !== input.session);
    return input;
  }

  /** What has waited: to be stepped before all that comes later. */
  release(): readonly Unstamped<Input>[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  #hold(input: Unstamped<Input>): void {
    if (this.#held.length >= HELD_LIMIT) {
      throw new StoreError(
        "full",
        `the store takes no writes, and more than ${HELD_LIMIT} reports of agents wait for it`,
      );
    }
    this.#held.push(input);
  }
}
