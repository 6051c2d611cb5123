import { RequestError } from "../../base/errors.ts";
import type { LogData } from "../../proto/generated/gpusched/v1/LogData.ts";
import type { ReadLogOptions } from "../executor/executor.ts";

/** What may be under way to a reader beyond what it says that it has taken. */
export const MAX_UNACKNOWLEDGED_BYTES = 256 * 1024;
/** The most that one message carries. */
export const MAX_CHUNK_BYTES = 32 * 1024;

export interface LogReadOptions {
  readonly requestId: number;
  /** Begins to read; its signal aborts once the reader has gone. */
  readonly open: (signal: ReadLogOptions["signal"]) => AsyncIterable<Uint8Array>;
  /** Resolves when the connection takes more. */
  readonly send: (data: LogData) => Promise<void>;
  /** What was not an expected refusal, for the log. */
  readonly onFailure: (error: unknown) => void;
}

/** One reader of one job's output: sends as fast as the reader takes it, and no faster. */
export class LogRead {
  readonly #options: LogReadOptions;
  readonly #cancelled = new AbortController();
  #unacknowledged = 0;
  #wake: (() => void) | undefined;

  constructor(options: LogReadOptions) {
    this.#options = options;
  }

  /** Sends everything, then the end or the reason why there is no more. Ends early when cancelled. Never rejects. */
  async run(): Promise<void> {
    const { requestId, send } = this.#options;
    const error = await this.#sendAll();
    if (!this.#cancelled.signal.aborted) await send({ request_id: requestId, end: true, error });
  }

  /** The reader has taken so many more bytes. */
  credit(bytes: number): void {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - bytes);
    this.#wake?.();
  }

  cancel(): void {
    this.#cancelled.abort();
    this.#wake?.();
  }

  /** The sentence for the reader when the output could not be read, else empty. */
  async #sendAll(): Promise<string> {
    const { signal } = this.#cancelled;
    try {
      for await (const bytes of this.#options.open(signal)) {
        for (let offset = 0; offset < bytes.length && !signal.aborted; offset += MAX_CHUNK_BYTES) {
          await this.#sendChunk(bytes.subarray(offset, offset + MAX_CHUNK_BYTES));
        }
        if (signal.aborted) break;
      }
      return "";
    } catch (error) {
      if (error instanceof RequestError) return error.message;
      if (!signal.aborted) this.#options.onFailure(error);
      return "the output could not be read";
    }
  }

  async #sendChunk(data: Uint8Array): Promise<void> {
    const { requestId, send } = this.#options;
    while (this.#unacknowledged + data.length > MAX_UNACKNOWLEDGED_BYTES) {
      if (this.#cancelled.signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    if (this.#cancelled.signal.aborted) return;
    this.#unacknowledged += data.length;
    await send({ request_id: requestId, data });
  }
}
