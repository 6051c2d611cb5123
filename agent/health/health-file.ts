import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { asDeviceId } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import { type Device, UNTOLD_DEVICE } from "../devices/device-source.ts";
import { emptyBook, type HealthBook } from "./health-book.ts";

const FILE_NAME = "device-health.json";
/** More than is ever written. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_DEVICES = 1_024;

const text = z.string().max(2_000);
const time = z.number().nonnegative();
const optionalNumber = z.number().optional();

/** As its source described it. */
const deviceSchema = z
  .strictObject({
    id: z.string().min(1).transform(asDeviceId),
    model: text,
    memoryMb: z.number(),
    index: z.number(),
    pciBusId: text,
    numaNode: optionalNumber,
    island: optionalNumber,
    slowdownC: optionalNumber,
    parentId: z.string().transform(asDeviceId).optional(),
    migProfile: text.optional(),
    eccEnabled: z.boolean().optional(),
    powerLimitW: optionalNumber,
    maxClockMhz: optionalNumber,
  })
  .transform((device): Device => ({ ...UNTOLD_DEVICE, ...device }));

const recordSchema = z
  .strictObject({
    device: deviceSchema,
    health: z.enum(["healthy", "suspect", "unhealthy", "quarantined"]),
    sinceMs: time,
    complaints: z
      .array(
        z.strictObject({
          key: text,
          severity: z.enum(["suspect", "unhealthy"]),
          cure: z.enum(["beats", "answer", "reset"]),
          text,
          wayBack: text,
          sinceMs: time,
          wasReset: z.boolean(),
        }),
      )
      .max(64)
      .transform((complaints) => complaints.map((complaint) => ({ ...complaint, goodBeats: 0 }))),
    relapses: z.array(time).max(64),
    quarantine: z.strictObject({ sinceMs: time, untilMs: time, text }).exactOptional(),
    failedStarts: z.int().nonnegative(),
    eccUncorrected: optionalNumber,
  })
  .transform((record) => ({ ...record, unreadBeats: 0 }));

const contentSchema = z.strictObject({
  version: z.literal(1),
  bootId: text,
  devices: z.array(recordSchema).max(MAX_DEVICES),
});

/**
 * The health of devices on disk, so that an agent that is started anew does not forget what it knew. A damaged file is told and begun
 * anew: what is the matter with a device shows again, and no job depends on this file.
 */
export class HealthFile {
  readonly #path: string;
  readonly #log: Logger;

  constructor(dataDir: string, log: Logger) {
    this.#path = join(dataDir, FILE_NAME);
    this.#log = log;
  }

  async read(bootId: string): Promise<HealthBook> {
    try {
      const { size } = await stat(this.#path);
      if (size > MAX_BYTES) throw new Error(`it has ${size} bytes`);
      const { devices, ...content } = contentSchema.parse(JSON.parse(await readFile(this.#path, "utf8")));
      return {
        bootId: content.bootId,
        devices: new Map(devices.map((record) => [record.device.id, record])),
        silentBeats: 0,
      };
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return emptyBook(bootId);
      this.#log.error(
        { path: this.#path, reason: messageOf(error) },
        "what was known of the health of devices cannot be read: it is begun anew",
      );
      return emptyBook(bootId);
    }
  }

  /** Resolves when it is durable. One call at a time. */
  write(content: string): Promise<void> {
    return writeFileAtomic(this.#path, content);
  }

  /** The book as the file holds it: without what begins anew with the agent. Equal books have equal texts. */
  static textOf({ bootId, devices }: HealthBook): string {
    const records = [...devices.values()].map(({ energyJ: _, unreadBeats: __, complaints, ...record }) => {
      return { ...record, complaints: complaints.map(({ goodBeats: ___, ...complaint }) => complaint) };
    });
    return `${JSON.stringify({ version: 1, bootId, devices: records }, undefined, 2)}\n`;
  }
}
