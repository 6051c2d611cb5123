import { Worker } from "node:worker_threads";
import { StoreError } from "../store.ts";
import type { WorkerCalls, WorkerOptions, WorkerReply, WorkerRequest } from "./worker-calls.ts";

/** The worker's source stands beside this file: TypeScript in a checkout, JavaScript when built. */
const WORKER = new URL(`./sqlite-worker${import.meta.filename.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** Calls to the worker thread, answered in order. */
export class WorkerChannel {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  #failure: StoreError | undefined;

  constructor(options: WorkerOptions) {
    this.#worker = new Worker(WORKER, { workerData: options, name: "store" });
    this.#worker.on("message", (reply: WorkerReply) => this.#onReply(reply));
    this.#worker.on("error", (error) => this.#fail(`the store's thread failed: ${error.message}`, error));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#fail("the store's thread has ended");
        resolve();
      });
    });
  }

  /** Rejects with a StoreError; with `failed` when the deadline passes, and then nothing is known any more. */
  async call<K extends keyof WorkerCalls>(
    deadlineMs: number,
    call: K,
    ...args: Parameters<WorkerCalls[K]>
  ): Promise<ReturnType<WorkerCalls[K]>> {
    if (this.#failure) throw this.#failure;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.push(answer);
    const timer = setTimeout(() => this.#fail(`the disk did not answer within ${deadlineMs} ms (${call})`), deadlineMs);
    try {
      this.#worker.postMessage({ call, args } satisfies WorkerRequest);
      return (await answer.promise) as ReturnType<WorkerCalls[K]>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes what the thread has open and waits for its end. A thread that hangs is told to end, and not waited for. */
  async close(deadlineMs: number): Promise<void> {
    try {
      await this.call(deadlineMs, "close");
      await this.#ended;
    } finally {
      void this.#worker.terminate();
    }
  }

  #onReply(reply: WorkerReply): void {
    const answer = this.#waiting.shift();
    if (reply.isRefused) answer?.reject(new StoreError(reply.code, reply.message));
    else answer?.resolve(reply.value);
  }

  #fail(message: string, cause?: unknown): void {
    this.#failure ??= new StoreError("failed", message, { cause });
    for (const answer of this.#waiting.splice(0)) answer.reject(this.#failure);
  }
}
