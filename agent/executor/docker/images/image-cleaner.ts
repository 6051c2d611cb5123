import { messageOf } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/logger.ts";
import { MINUTE_MS } from "../../../../base/time.ts";
import type { EngineClient } from "../engine-client.ts";
import type { ImageRecord, ImageRecords } from "./image-records.ts";

/** Of one round: removing many large images keeps the engine's disk busy. */
const MAX_REMOVALS = 20;
/** What was just pulled or used is wanted again soon, whatever the disk says. */
const MIN_UNUSED_MS = 2 * MINUTE_MS;

export interface ImageCleanerOptions {
  readonly engine: Pick<EngineClient, "imageId" | "imagesInUse" | "removeImage">;
  readonly records: ImageRecords;
  /** Unused for longer than this they go, whether or not there is room. */
  readonly keepForMs: number;
  readonly log: Logger;
  /** A launch needs it at the moment. */
  isWanted(name: string): boolean;
  /** Images must go so that there is room. */
  needsRoom(): Promise<boolean>;
  nowMs(): number;
}

/**
 * Removes images that this agent pulled and that nobody uses: those unused for too long, and while there is too little
 * room the longest unused of the others. What others pulled, or gave the same name since, stays. An engine removes no image
 * that a container has, so agents that share one do not take each other's: at worst an image is pulled again.
 */
export class ImageCleaner {
  readonly #options: ImageCleanerOptions;
  #underWay: Promise<void> | undefined;

  constructor(options: ImageCleanerOptions) {
    this.#options = options;
  }

  /** One round, or the one that is under way. Never rejects. */
  async clean(): Promise<void> {
    this.#underWay ??= this.#round()
      .catch((error: unknown) => {
        this.#options.log.warn({ problem: messageOf(error) }, "images not cleaned up");
      })
      .finally(() => {
        this.#underWay = undefined;
      });
    await this.#underWay;
  }

  async #round(): Promise<void> {
    const { engine, records, keepForMs, isWanted, needsRoom, nowMs } = this.#options;
    if (records.all().length === 0) return;
    const now = nowMs();
    const inUse = await engine.imagesInUse();
    for (const { name, id } of records.all()) if (inUse.has(id) || isWanted(name)) records.touch(name, now);
    let removals = 0;
    for (const record of records.all()) {
      const unusedMs = now - record.usedAtMs;
      if (unusedMs < MIN_UNUSED_MS || removals >= MAX_REMOVALS) break;
      const isOld = unusedMs >= keepForMs;
      if (!isOld && !(await needsRoom())) break;
      if (!isWanted(record.name) && (await this.#remove(record, isOld))) removals += 1;
    }
    await records.save();
  }

  /** False when there was nothing to remove. */
  async #remove(record: ImageRecord, isOld: boolean): Promise<boolean> {
    const { engine, records, log, nowMs } = this.#options;
    const { name, id, usedAtMs } = record;
    if ((await engine.imageId(name)) !== id) {
      // Somebody removed it, or gave the name to another one, which is theirs.
      records.forget(name);
      return false;
    }
    const outcome = await engine.removeImage(name);
    if (outcome === "in-use") {
      records.touch(name, nowMs());
      return false;
    }
    records.forget(name);
    const reason = isOld ? "unused for too long" : "too little room on the disk";
    log.info({ image: name, lastUsed: new Date(usedAtMs).toISOString(), reason }, "image removed");
    return outcome === "removed";
  }
}
