import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";

const FILE_NAME = "checkpoints.json";

const contentSchema = z.strictObject({ version: z.literal(1), positions: z.record(z.string(), z.string()) });

/**
 * How far the output of each allocation was looked at when its last checkpoint was seen, on disk: a restarted agent finds
 * what was written meanwhile, and takes no old checkpoint for a new one. Losing it costs no more than that.
 */
export class Positions {
  readonly #path: string;
  readonly #log: Logger;
  readonly #byName: Map<string, string>;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, byName: Map<string, string>, log: Logger) {
    this.#path = path;
    this.#byName = byName;
    this.#log = log;
  }

  static async open(dataDir: string, log: Logger): Promise<Positions> {
    const path = join(dataDir, FILE_NAME);
    try {
      const { positions } = contentSchema.parse(JSON.parse(await readFile(path, "utf8")));
      return new Positions(path, new Map(Object.entries(positions)), log);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT")
        log.warn({ reason: messageOf(error) }, "the seen checkpoints are forgotten");
      return new Positions(path, new Map(), log);
    }
  }

  get(name: string): string | undefined {
    return this.#byName.get(name);
  }

  set(name: string, position: string): void {
    this.#byName.set(name, position);
    this.#save();
  }

  delete(name: string): void {
    if (this.#byName.delete(name)) this.#save();
  }

  /** Resolves when what was set is on disk. */
  async close(): Promise<void> {
    await this.#saving;
  }

  #save(): void {
    this.#saving = this.#saving.then(async () => {
      const content = { version: 1, positions: Object.fromEntries(this.#byName) };
      try {
        await writeFileAtomic(this.#path, `${JSON.stringify(content)}\n`);
      } catch (error) {
        this.#log.warn({ reason: messageOf(error) }, "the seen checkpoints cannot be recorded");
      }
    });
  }
}
