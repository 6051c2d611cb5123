import { delay } from "../../../../base/abort.ts";
import { exponentialBackoffMs } from "../../../../base/backoff.ts";
import { messageOf } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/logger.ts";
import { formatDuration, MINUTE_MS, SECOND_MS } from "../../../../base/time.ts";
import { EngineError, type EngineClient } from "../engine-client.ts";
import { type Failure, node } from "../failures.ts";
import { Slots } from "../slots.ts";
import { PullError, pullImage } from "./image-pull.ts";
import { type PullFailure, pullFailure } from "./pull-failure.ts";
import { authFor, type RegistryAuth, RegistryAuthError, readRegistryAuths, withoutSecrets } from "./registry-auth.ts";

/** Tries of one pull in all; the controller may give the job to another node after them. */
const MAX_TRIES = 4;
const SOON_BASE_MS = SECOND_MS;
const SOON_MAX_MS = 10 * SECOND_MS;
const THROTTLED_BASE_MS = 5 * SECOND_MS;
/** A registry that asks for more patience than this is left alone, and the job is tried again later or elsewhere. */
const MAX_WAIT_MS = MINUTE_MS;

export interface ImagePullerOptions {
  readonly engine: Pick<EngineClient, "pull">;
  /** The file with the credentials; undefined where there are none. */
  readonly registryAuth: string | undefined;
  readonly stallMs: number;
  /** Images pulled at once; the others wait in line. */
  readonly maxPulls: number;
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** Called before each try; a sentence is why it must not be made. */
  mayPull(): Promise<string | undefined>;
  /** Called once the image is there, before anybody is told. */
  onPulled(image: string): Promise<void>;
}

/** A pull that some launches wait for. It is given up when the last of them has left. */
interface SharedPull {
  readonly abandoned: AbortController;
  readonly listeners: Set<(message: string) => void>;
  message: string;
  done: Promise<Failure | undefined>;
}

/** Pulls images: each once at a time, whoever waits for it, and not too many at once. */
export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #slots: Slots;
  readonly #pulls = new Map<string, SharedPull>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.maxPulls);
  }

  /**
   * Waits for the image, together with whoever waits for it already. The signal ends this wait alone, with undefined.
   *
   * @param onMessage what is being done, for people
   */
  async pull(image: string, onMessage: (message: string) => void, signal: AbortSignal): Promise<Failure | undefined> {
    const pull = this.#pulls.get(image) ?? this.#begin(image);
    pull.listeners.add(onMessage);
    onMessage(pull.message);
    const left = Promise.withResolvers<undefined>();
    const leave = (): void => left.resolve(undefined);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      return await Promise.race([pull.done, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      pull.listeners.delete(onMessage);
      if (pull.listeners.size === 0) this.#abandon(image, pull);
    }
  }

  #begin(image: string): SharedPull {
    const pull: SharedPull = {
      abandoned: new AbortController(),
      listeners: new Set(),
      message: this.#slots.areTaken ? "waiting to pull image" : progress(0),
      done: Promise.resolve(undefined),
    };
    this.#pulls.set(image, pull);
    pull.done = this.#run(image, pull);
    return pull;
  }

  /** Whoever comes from now on begins a pull of his own. */
  #abandon(image: string, pull: SharedPull): void {
    pull.abandoned.abort();
    if (this.#pulls.get(image) === pull) this.#pulls.delete(image);
  }

  /** Never rejects. */
  async #run(image: string, pull: SharedPull): Promise<Failure | undefined> {
    const signal = AbortSignal.any([pull.abandoned.signal, this.#options.closing]);
    const tell = (message: string): void => {
      pull.message = message;
      for (const listener of pull.listeners) listener(message);
    };
    try {
      for (let tries = 1; ; tries += 1) {
        const failure = await this.#slots.run(() => this.#try(image, tell, signal));
        if (!failure || signal.aborted) return undefined;
        const waitMs = waitBefore(failure, tries);
        this.#options.log.warn({ image, reason: failure.end.message, tries, waitMs }, "image not pulled");
        if (waitMs === undefined) return failure.end;
        tell(`${failure.end.message}; trying again in ${formatDuration(waitMs)}`);
        await delay(waitMs, signal);
        if (signal.aborted) return undefined;
      }
    } catch (error) {
      this.#options.log.error({ err: error, image }, "a pull failed unexpectedly");
      return node(`could not pull image ${image}: internal error`);
    } finally {
      if (this.#pulls.get(image) === pull) this.#pulls.delete(image);
    }
  }

  async #try(image: string, tell: (message: string) => void, signal: AbortSignal): Promise<PullFailure | undefined> {
    if (signal.aborted) return undefined;
    const refusal = await this.#options.mayPull();
    if (refusal !== undefined) return failed(`could not pull image ${image}: ${refusal}`);
    let auth: RegistryAuth | undefined;
    try {
      auth = await this.#authFor(image);
    } catch (error) {
      if (!(error instanceof RegistryAuthError)) throw error;
      return failed(`could not pull image ${image}: this node's credentials cannot be used: ${error.message}`);
    }
    tell(progress(0));
    const onProgress = (percent: number): void => tell(progress(percent));
    try {
      await pullImage(this.#options.engine, { image, auth, stallMs: this.#options.stallMs, onProgress, signal });
    } catch (error) {
      return pullFailure({ image, hasAuth: auth !== undefined }, concealed(error, auth));
    }
    await this.#options.onPulled(image);
    return undefined;
  }

  async #authFor(image: string): Promise<RegistryAuth | undefined> {
    const { registryAuth } = this.#options;
    return registryAuth === undefined ? undefined : authFor(await readRegistryAuths(registryAuth), image);
  }
}

function progress(percent: number): string {
  return `pulling image: ${percent}%`;
}

function failed(message: string): PullFailure {
  return { end: node(message), retry: { kind: "never" } };
}

/** How long to wait after so many tries; undefined is no more. */
function waitBefore({ retry }: PullFailure, tries: number): number | undefined {
  if (retry.kind === "never" || tries >= MAX_TRIES) return undefined;
  if (retry.kind === "soon") return exponentialBackoffMs(tries - 1, SOON_BASE_MS, SOON_MAX_MS);
  const waitMs = Math.max(retry.afterMs ?? 0, exponentialBackoffMs(tries - 1, THROTTLED_BASE_MS, MAX_WAIT_MS));
  return waitMs <= MAX_WAIT_MS ? waitMs : undefined;
}

/** The error without the causes, in which the call with its credentials may be. */
function concealed(error: unknown, auth: RegistryAuth | undefined): unknown {
  const text = withoutSecrets(messageOf(error), auth);
  if (error instanceof EngineError) return new EngineError(text, error.status, undefined);
  return error instanceof PullError ? new PullError(text) : error;
}
