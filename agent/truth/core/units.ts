import type { Occupant } from "../../executor/executor.ts";
import { type HostProcess, identityOf, type Sighting } from "./sighting.ts";

/**
 * The containers and sessions that agents have on the host, and which processes are in them. One that is gone is remembered for as
 * long as a process of it has a device: what the engine has forgotten may still hold memory.
 */
export class Units {
  #units = new Map<string, Occupant>();
  /** By the identity of a process, the id of its unit. */
  #members = new Map<string, string>();
  #isFresh = false;

  /** The executor's answer is newer than the processes: who is in no unit is in none. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  learn({ occupants, hostProcesses, processes }: Sighting): void {
    this.#isFresh = occupants !== undefined;
    const known = this.#units;
    for (const occupant of occupants ?? []) known.set(occupant.id, occupant);
    for (const process of hostProcesses.values()) {
      const unit = this.unitOf(process);
      if (unit) this.#members.set(identityOf(process), unit.id);
    }
    if (occupants === undefined) return;
    // Where the driver tells of no processes, those that were known may still be there.
    if (processes !== undefined) {
      const living = new Set([...hostProcesses.values()].map(identityOf));
      this.#members = new Map([...this.#members].filter(([identity]) => living.has(identity)));
    }
    const inhabited = new Set(this.#members.values());
    const present = new Set(occupants.map(({ id }) => id));
    for (const [id, unit] of known) {
      if (present.has(id)) continue;
      if (inhabited.has(id)) known.set(id, { ...unit, isRunning: false });
      else known.delete(id);
    }
  }

  all(): readonly Occupant[] {
    return [...this.#units.values()];
  }

  /**
   * The container in whose control group it is, the innermost that is known; or the session whose leader lived when it was first seen
   * there. A session without its leader proves nothing: another may have had that pid since.
   */
  unitOf(process: HostProcess): Occupant | undefined {
    const member = this.#members.get(identityOf(process));
    if (member !== undefined) return this.#units.get(member);
    const container = process.containerIds.findLast((id) => this.#units.has(id));
    if (container !== undefined) return this.#units.get(container);
    const { session, leaderStartTicks } = process;
    if (leaderStartTicks === undefined) return undefined;
    return this.#units.get(identityOf({ pid: session, startTicks: leaderStartTicks }));
  }
}
