import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { Report } from "../core/input.ts";
import { checkpointToProto, reportToProto } from "./translate.ts";

/**
 * Reports and checkpoints that wait to be sent, in the order of their news. Only the newest of an allocation is kept, so
 * that what waits is never more than what runs, however long no controller can be reached.
 */
export class Outbox {
  /** Called after each put. */
  onNews: () => void = () => {};
  readonly #reports = new Map<string, AgentMessage>();

  get size(): number {
    return this.#reports.size;
  }

  put(report: Report): void {
    const name = allocationName(report.key);
    this.#reports.delete(name);
    this.#reports.set(name, { report: reportToProto(report) });
    this.onNews();
  }

  /** A job has said at that time that its work is safe. */
  putCheckpoint(key: AllocationKey, atMs: number): void {
    this.#reports.set(`checkpoint of ${allocationName(key)}`, checkpointToProto(key, atMs));
    this.onNews();
  }

  /** Drops what has been told in another way. */
  forget(told: readonly Report[]): void {
    for (const { key } of told) this.#reports.delete(allocationName(key));
  }

  /** Takes the oldest news; undefined when there is none. */
  take(): AgentMessage | undefined {
    for (const [name, message] of this.#reports) {
      this.#reports.delete(name);
      return message;
    }
    return undefined;
  }
}
