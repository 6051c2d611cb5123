import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import type { Occupant, ProcessId } from "../executor.ts";
import type { Status } from "./status.ts";

/** Sessions that are remembered after their end, for what may be left of them; beyond, the oldest are forgotten. */
const MAX_SESSIONS = 1_000;

type Session = Omit<Occupant, "agentId"> & { readonly leader: ProcessId };

/** The sessions of the allocations that this executor has run, known by their leaders. */
export class Sessions {
  /** By allocation name, those that began first first. */
  readonly #sessions = new Map<string, Session>();

  learn(key: AllocationKey, { state, deviceIds }: Status): void {
    const name = allocationName(key);
    if (state.phase !== "running" || this.#sessions.has(name)) return;
    const { pid, startTicks } = state.process;
    const leader = { pid, startTicks };
    this.#sessions.set(name, { id: `${pid}:${startTicks}`, kind: "session", key, deviceIds, leader, isRunning: true });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
  }

  all(isOver: (allocation: string) => boolean): readonly Omit<Occupant, "agentId">[] {
    return [...this.#sessions].map(([name, { leader: _, ...session }]) => ({ ...session, isRunning: !isOver(name) }));
  }

  /** Undefined for what is not, or not any more, that session of that allocation. */
  leaderOf(id: string, key: AllocationKey): ProcessId | undefined {
    const session = this.#sessions.get(allocationName(key));
    return session?.id === id ? session.leader : undefined;
  }
}
