import type { NodeRanking } from "./node-ranking.ts";

/** Beyond so many kinds of job the one asked for longest ago is forgotten: each costs some bytes for every node. */
const MAX_RANKINGS = 512;

/** Rankings by kind of job: those that were asked for last. */
export class RecentRankings {
  readonly #byKey = new Map<string, { readonly ranking: NodeRanking; askedAt: number }>();
  #asked = 0;

  /** The ranking of this key, made if there is none. */
  recall(key: string, make: () => NodeRanking): NodeRanking {
    this.#asked += 1;
    const known = this.#byKey.get(key);
    if (known) {
      known.askedAt = this.#asked;
      return known.ranking;
    }
    const ranking = make();
    this.#byKey.set(key, { ranking, askedAt: this.#asked });
    if (this.#byKey.size > MAX_RANKINGS) this.#forgetOldest();
    return ranking;
  }

  /** What they were made with no longer holds. */
  clear(): void {
    this.#byKey.clear();
  }

  #forgetOldest(): void {
    let [oldest, oldestAt] = ["", this.#asked];
    for (const [key, { askedAt }] of this.#byKey) if (askedAt < oldestAt) [oldest, oldestAt] = [key, askedAt];
    this.#byKey.delete(oldest);
  }
}
