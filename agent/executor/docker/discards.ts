import type { Logger } from "../../../base/logger.ts";
import type { EngineClient } from "./engine-client.ts";

/** Names that are remembered; beyond, the oldest are forgotten. */
const MAX_NAMES = 1_000;

/**
 * Containers that must not stay: their launch has failed. A name is kept after its container's removal, because a
 * creation that was not answered may be carried out later.
 */
export class Discards {
  readonly #names = new Set<string>();
  readonly #engine: Pick<EngineClient, "remove">;
  readonly #log: Logger;

  constructor(engine: Pick<EngineClient, "remove">, log: Logger) {
    this.#engine = engine;
    this.#log = log;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Its container is to be removed whenever the engine is seen to have it. */
  remember(name: string): void {
    this.#names.add(name);
    for (const oldest of this.#names) {
      if (this.#names.size <= MAX_NAMES) break;
      this.#names.delete(oldest);
    }
  }

  /** Removes its container now, or when the engine is next seen to have it. Never rejects. */
  async remove(name: string): Promise<void> {
    this.remember(name);
    try {
      await this.#engine.remove(name);
    } catch (error) {
      this.#log.warn({ err: error, container: name }, "container of a failed launch not removed yet");
    }
  }
}
