import type { Finding } from "./finding.ts";

/** Two looks that see the same are at least so far apart: what begins or ends is through with it by then. */
export const CONFIRM_AFTER_MS = 1_000;

/** Which parts of a look had an answer. */
export interface LookParts {
  readonly processes: boolean;
  readonly occupants: boolean;
}

interface Suspicion {
  readonly firstAtMs: number;
  /** The looks in a row that saw it. */
  looks: number;
  finding: Finding;
}

/** Only what two looks in a row have seen is said, and acted upon. */
export class Suspicions {
  #suspicions = new Map<string, Suspicion>();

  /** A look that could not see a thing says nothing about it: it neither confirms nor clears. */
  learn(findings: readonly Finding[], parts: LookParts, atMs: number): void {
    const next = new Map<string, Suspicion>();
    for (const [id, suspicion] of this.#suspicions) if (!couldSee(suspicion.finding, parts)) next.set(id, suspicion);
    for (const finding of findings) {
      if (!couldSee(finding, parts)) continue;
      const known = this.#suspicions.get(finding.id);
      // The words of the first look stay: figures that change all the time are no news.
      if (known)
        next.set(finding.id, { ...known, finding: { ...finding, text: known.finding.text }, looks: known.looks + 1 });
      else next.set(finding.id, { firstAtMs: atMs, looks: 1, finding });
    }
    this.#suspicions = next;
  }

  confirmed(atMs: number): readonly Finding[] {
    return [...this.#suspicions.values()].filter((it) => isConfirmed(it, atMs)).map(({ finding }) => finding);
  }

  /** For how long it has been seen. */
  ageMs(id: string, atMs: number): number {
    return atMs - (this.#suspicions.get(id)?.firstAtMs ?? atMs);
  }

  /** Whether another look soon would tell more. */
  hasOpen(atMs: number): boolean {
    return [...this.#suspicions.values()].some((it) => !isConfirmed(it, atMs));
  }
}

function isConfirmed({ looks, firstAtMs }: Suspicion, atMs: number): boolean {
  return looks >= 2 && atMs - firstAtMs >= CONFIRM_AFTER_MS;
}

/** What lives is the executor's to say; what has a device, the driver's. */
function couldSee({ kind }: Finding, parts: LookParts): boolean {
  return kind === "orphan" ? parts.occupants : parts.processes;
}
