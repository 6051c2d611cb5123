import type { NodeName } from "../../base/ids.ts";
import type { Input, Unstamped } from "../core/input.ts";
import type { State } from "../core/model/state.ts";
import type { NodeAbsence } from "./workload.ts";

/** Takes down which nodes are lost, and when they come back. Shorter silences are none. */
export class Absences {
  readonly #over: NodeAbsence[] = [];
  /** Since when each lost node has not been heard: milliseconds since the epoch. */
  readonly #lost = new Map<NodeName, number>();

  /** After each batch: a node is lost by the passing of time, and comes back by what it says. */
  look(state: State, inputs: readonly Unstamped<Input>[], at: number): void {
    if (inputs.some(({ kind }) => kind === "tick")) {
      for (const { reach, record, lastHeardAt } of state.nodes.values()) {
        if (reach === "lost" && !this.#lost.has(record.name)) this.#lost.set(record.name, lastHeardAt);
      }
    }
    for (const [node, from] of this.#lost) {
      if (state.nodes.get(node)?.reach === "lost") continue;
      this.#over.push({ node, from, until: at });
      this.#lost.delete(node);
    }
  }

  /** So far. */
  all(): readonly NodeAbsence[] {
    return [...this.#over, ...[...this.#lost].map(([node, from]) => ({ node, from, until: undefined }))];
  }
}
