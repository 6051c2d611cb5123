import { delay } from "../../../../base/abort.ts";
import { messageOf } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/logger.ts";
import { MINUTE_MS } from "../../../../base/time.ts";
import { lacksRoom, type MinFree, type Place, readRoom, roomProblem } from "../../../disk/disk-room.ts";
import type { EngineClient } from "../engine-client.ts";
import type { Failure } from "../failures.ts";
import { ImageCleaner } from "./image-cleaner.ts";
import { ImagePuller } from "./image-puller.ts";
import { ImageRecords } from "./image-records.ts";
import { pullFailure } from "./pull-failure.ts";

const CLEAN_EVERY_MS = MINUTE_MS;
/** Images go before the disk is so full that no job may come. */
const CLEANED_BELOW = 2;

/** What a host's operator says of its images. */
export interface ImageSettings {
  /** A file of credentials for registries. */
  readonly registryAuth: string | undefined;
  /** A pull that has not come any further for so long is given up. */
  readonly pullStallMs: number;
  readonly maxPulls: number;
  /** Images that this agent pulled are removed when unused for longer. */
  readonly keepImagesForMs: number;
  /** How much of Docker's disk and the agent's must stay free. */
  readonly minFreeDisk: MinFree;
}

export interface ImageStoreOptions {
  readonly engine: Pick<EngineClient, "pull" | "imageId" | "imagesInUse" | "removeImage">;
  readonly dataDir: string;
  readonly settings: ImageSettings;
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** The engine's own directory; undefined while it is not known. */
  rootDirectory(): string | undefined;
  readonly nowMs?: () => number;
}

/** The images of this host as far as jobs need them: pulled when they are missing, and put away when nobody needs them. */
export class ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #records: ImageRecords;
  readonly #puller: ImagePuller;
  readonly #cleaner: ImageCleaner;
  /** How many launches need an image at the moment. */
  readonly #wanted = new Map<string, number>();
  readonly #nowMs: () => number;

  private constructor(options: ImageStoreOptions, records: ImageRecords) {
    const { engine, settings, closing, log, nowMs = Date.now } = options;
    this.#options = options;
    this.#records = records;
    this.#nowMs = nowMs;
    this.#puller = new ImagePuller({
      engine,
      registryAuth: settings.registryAuth,
      stallMs: settings.pullStallMs,
      maxPulls: settings.maxPulls,
      closing,
      log,
      mayPull: () => this.#makeRoom(),
      onPulled: (image) => this.#onPulled(image),
    });
    this.#cleaner = new ImageCleaner({
      engine,
      records,
      keepForMs: settings.keepImagesForMs,
      log,
      isWanted: (name) => this.#wanted.has(name),
      needsRoom: () => this.#needsRoom(),
      nowMs,
    });
  }

  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    return new ImageStore(options, await ImageRecords.open(options.dataDir, options.log));
  }

  /** While the task runs, the image is not removed from the engine by this agent. */
  async wanting<T>(image: string, task: () => Promise<T>): Promise<T> {
    this.#wanted.set(image, (this.#wanted.get(image) ?? 0) + 1);
    this.#records.touch(image, this.#nowMs());
    try {
      return await task();
    } finally {
      const others = (this.#wanted.get(image) ?? 1) - 1;
      if (others > 0) this.#wanted.set(image, others);
      else this.#wanted.delete(image);
    }
  }

  /** Sees to it that the engine has the image. Resolves with why it has not, or with undefined also when the signal aborts. */
  async provide(
    image: string,
    onMessage: (message: string) => void,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    try {
      if ((await this.#options.engine.imageId(image)) !== undefined) return undefined;
    } catch (error) {
      return pullFailure({ image, hasAuth: false }, error).end;
    }
    return await this.#puller.pull(image, onMessage, signal);
  }

  /** Why no new job may come, as far as disks are concerned: a sentence, or undefined. */
  async problem(): Promise<string | undefined> {
    return await roomProblem(this.#places, this.#options.settings.minFreeDisk);
  }

  /** Cleans up from time to time, until the executor closes. Never rejects. */
  async run(): Promise<void> {
    const { closing } = this.#options;
    while (!closing.aborted) {
      await delay(CLEAN_EVERY_MS, closing);
      if (!closing.aborted) await this.clean();
    }
    await this.#records.save();
  }

  /** One round. Never rejects. */
  async clean(): Promise<void> {
    await this.#cleaner.clean();
  }

  /** Why there is no room for an image, after what could be done about it. */
  async #makeRoom(): Promise<string | undefined> {
    const before = await this.problem();
    if (before === undefined) return undefined;
    await this.clean();
    return await this.problem();
  }

  async #onPulled(name: string): Promise<void> {
    try {
      const id = await this.#options.engine.imageId(name);
      if (id !== undefined) await this.#records.add({ name, id, usedAtMs: this.#nowMs() });
    } catch (error) {
      // Without a record it is nobody's, and stays.
      this.#options.log.warn({ problem: messageOf(error), image: name }, "an image that was pulled is not remembered");
    }
  }

  async #needsRoom(): Promise<boolean> {
    const directory = this.#options.rootDirectory();
    const room = directory === undefined ? undefined : await readRoom(directory);
    return room !== undefined && lacksRoom(room, this.#options.settings.minFreeDisk, CLEANED_BELOW);
  }

  get #places(): readonly Place[] {
    const root = this.#options.rootDirectory();
    const own: Place = { directory: this.#options.dataDir, what: "the agent's data" };
    return root === undefined ? [own] : [{ directory: root, what: "Docker's data" }, own];
  }
}
