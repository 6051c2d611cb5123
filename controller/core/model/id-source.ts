import { asJobId, asTenantId, type JobId, type TenantId } from "../../../base/ids.ts";

/** Gives out ids that sort by creation, also after a restart. */
export class IdSource {
  #lastMs = 0;
  #idsThisMs = 0;

  newJob(at: number): JobId {
    return asJobId(`job-${this.#newDigits(at)}`);
  }

  newTenant(at: number): TenantId {
    return asTenantId(`tenant-${this.#newDigits(at)}`);
  }

  /** 19 digits that only grow: milliseconds, and a count within them. A clock that goes back does not repeat them. */
  #newDigits(at: number): string {
    if (at > this.#lastMs) {
      this.#lastMs = Math.floor(at);
      this.#idsThisMs = 0;
    } else if (++this.#idsThisMs > 999_999) {
      this.#lastMs += 1;
      this.#idsThisMs = 0;
    }
    return `${String(this.#lastMs).padStart(13, "0")}${String(this.#idsThisMs).padStart(6, "0")}`;
  }

  /** Makes sure that no id at or below this one is given out: called for every id that was loaded. */
  note(id: JobId | TenantId): void {
    const digits = id.slice(id.indexOf("-") + 1);
    if (digits.length !== 19) return;
    const ms = Number(digits.slice(0, 13));
    const count = Number(digits.slice(13));
    if (ms > this.#lastMs || (ms === this.#lastMs && count > this.#idsThisMs)) {
      this.#lastMs = ms;
      this.#idsThisMs = count;
    }
  }
}
