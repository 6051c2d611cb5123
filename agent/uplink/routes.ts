import { Controllers } from "./controllers.ts";

/** A peer that has a stream to the leader. */
export interface Relay {
  readonly peer: string;
  /** Where the peer is. */
  readonly address: string;
  /** Where its leader is. */
  readonly leader: string;
}

/** How a leader is dialled: directly, or by way of a peer. */
export interface Route {
  readonly address: string;
  readonly via?: Relay;
}

/** How a stream went. */
interface End {
  readonly welcomed: boolean;
  readonly leader: string | undefined;
}

/** Which way is tried next: directly as long as nobody tells of a leader that was tried in vain, else by way of who does. */
export class Routes {
  readonly #controllers: Controllers;
  readonly #relay: () => Relay | undefined;
  /** What was tried directly, or lost, since a leader was reached so. */
  readonly #inVain = new Set<string>();

  /** @param relay a peer that would relay, undefined when none is known */
  constructor(addresses: readonly string[], relay: () => Relay | undefined) {
    this.#controllers = new Controllers(addresses);
    this.#relay = relay;
  }

  next(): Route {
    const via = this.#inVain.size > 0 ? this.#relay() : undefined;
    if (!via) return { address: this.#controllers.next() };
    return this.#inVain.has(via.leader) ? { address: via.leader, via } : { address: via.leader };
  }

  /** A leader has answered on this way. */
  welcomed({ via }: Route): void {
    this.#controllers.welcomed();
    if (!via) this.#inVain.clear();
  }

  /** The leader's own address can be reached again: it is dialled next. */
  reached(leader: string): void {
    this.#inVain.clear();
    this.#controllers.follow(leader, "");
  }

  /** A stream has ended. True when the next way is worth being tried at once. */
  ended({ address, via }: Route, { welcomed, leader }: End): boolean {
    // Also one that was lost: whoever is cut off from it by half would wait again for an answer that does not come.
    if (!via) this.#inVain.add(address);
    // A relay that is of no use: perhaps the controllers are there again.
    if (via && !welcomed) this.#inVain.clear();
    return !via && this.#controllers.follow(leader, address);
  }
}
