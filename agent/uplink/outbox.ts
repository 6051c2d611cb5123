import { allocationName } from "../../base/ids.ts";
import type { Report } from "../core/input.ts";

/**
 * Reports that wait to be sent, in the order of their news. Only the newest of an allocation is kept, so that what waits
 * is never more than what runs, however long no controller can be reached.
 */
export class Outbox {
  /** Called after each put. */
  onNews: () => void = () => {};
  readonly #reports = new Map<string, Report>();

  get size(): number {
    return this.#reports.size;
  }

  put(report: Report): void {
    const name = allocationName(report.key);
    this.#reports.delete(name);
    this.#reports.set(name, report);
    this.onNews();
  }

  /** Drops what has been told in another way. */
  forget(told: readonly Report[]): void {
    for (const { key } of told) this.#reports.delete(allocationName(key));
  }

  /** Takes the oldest news; undefined when there is none. */
  take(): Report | undefined {
    for (const [name, report] of this.#reports) {
      this.#reports.delete(name);
      return report;
    }
    return undefined;
  }
}
