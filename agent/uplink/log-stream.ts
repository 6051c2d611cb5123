import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Logger } from "../../base/logger.ts";
import type { LogData } from "../../proto/generated/gpusched/v1/LogData.ts";
import type { LogRequest__Output } from "../../proto/generated/gpusched/v1/LogRequest.ts";
import type { LogServerHello } from "../../proto/generated/gpusched/v1/LogServerHello.ts";
import type { LogServerMessage } from "../../proto/generated/gpusched/v1/LogServerMessage.ts";
import type { ReadLog__Output } from "../../proto/generated/gpusched/v1/ReadLog.ts";
import type { Executor } from "../executor/executor.ts";
import type { LogClient } from "./channel.ts";
import { LogRead } from "./log-read.ts";
import { keyFromProto, logStreamFromProto } from "./translate.ts";

/** Reads that one controller may have under way. */
export const MAX_READS = 64;

export interface LogStreamOptions {
  readonly client: LogClient;
  readonly hello: LogServerHello;
  readonly readLog: Executor["readLog"];
  readonly log: Logger;
}

/** One stream on which a controller asks for output, from its hello to its end. Runs once. */
export class LogStream {
  readonly #options: LogStreamOptions;
  readonly #call: ClientDuplexStream<LogServerMessage, LogRequest__Output>;
  readonly #reads = new Map<number, LogRead>();
  readonly #ended = Promise.withResolvers<void>();
  #over = false;
  /** Present while the connection takes no more. */
  #full: PromiseWithResolvers<void> | undefined;

  constructor(options: LogStreamOptions) {
    this.#options = options;
    this.#call = options.client.serveLogs();
    this.#call.on("data", (request: LogRequest__Output) => this.#onRequest(request));
    this.#call.on("drain", () => this.#onDrain());
    this.#call.on("error", (error) => this.#finish(error.message));
    this.#call.on("end", () => this.#finish("the controller ended the stream"));
  }

  /** Serves until the stream ends or the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#finish("closing");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    if (!this.#over) this.#call.write({ hello: this.#options.hello });
    await this.#ended.promise;
    signal.removeEventListener("abort", onAbort);
    this.#call.end();
    this.#call.cancel();
  }

  #onRequest(request: LogRequest__Output): void {
    if (this.#over) return;
    const read = this.#reads.get(request.request_id);
    if (request.credit) read?.credit(request.credit.bytes);
    else if (request.cancel) this.#cancel(request.request_id);
    else if (request.read && !read) this.#begin(request.request_id, request.read);
  }

  #cancel(requestId: number): void {
    this.#reads.get(requestId)?.cancel();
    this.#reads.delete(requestId);
  }

  #begin(requestId: number, request: ReadLog__Output): void {
    const refuse = (error: string): void => void this.#send({ request_id: requestId, end: true, error });
    const key = keyFromProto(request.key);
    if (!key) return refuse("the request names no allocation");
    if (this.#reads.size >= MAX_READS)
      return refuse(`too many readers on this node (limit ${MAX_READS}); try again later`);
    const { readLog, log } = this.#options;
    const read = new LogRead({
      requestId,
      open: (signal) =>
        readLog(key, {
          follow: request.follow,
          tailLines: request.tail_lines,
          stream: logStreamFromProto(request.stream),
          signal,
        }),
      send: (data) => this.#send(data),
      onFailure: (err) => log.error({ err, ...key }, "the output of a job could not be read"),
    });
    this.#reads.set(requestId, read);
    void read.run().finally(() => {
      if (this.#reads.get(requestId) === read) this.#reads.delete(requestId);
    });
  }

  /** Resolves when the connection takes more, or will never. */
  async #send(data: LogData): Promise<void> {
    if (this.#over) return;
    if (!this.#call.write({ data })) this.#full ??= Promise.withResolvers<void>();
    await this.#full?.promise;
  }

  #onDrain(): void {
    this.#full?.resolve();
    this.#full = undefined;
  }

  #finish(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const read of this.#reads.values()) read.cancel();
    this.#reads.clear();
    this.#onDrain();
    this.#options.log.debug({ reason }, "the stream for job output has ended");
    this.#ended.resolve();
  }
}
