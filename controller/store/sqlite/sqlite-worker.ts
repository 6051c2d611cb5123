/** The store's thread: everything that waits for the disk is done here, one call after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { assert, present } from "../../../base/assert.ts";
import { createDatabase, Database, type PackedWrite } from "./database.ts";
import { type DataPaths, dataPaths, isUnused, makeDirectory } from "./data-directory.ts";
import { Hold } from "./hold.ts";
import { Inspection, type RowChunk } from "./inspection.ts";
import type { Mark } from "./revision-mark.ts";
import type { Meta } from "./schema.ts";
import { failed } from "./store-errors.ts";
import type { WorkerCalls, WorkerOptions, WorkerReply, WorkerRequest } from "./worker-calls.ts";

class StoreThread implements WorkerCalls {
  readonly #paths: DataPaths;
  readonly #address: string;
  readonly #lost: Mark | undefined;
  #hold: Hold | undefined;
  #inspection: Inspection | undefined;
  #database: Database | undefined;

  constructor({ dataDir, address, lost }: WorkerOptions) {
    this.#paths = dataPaths(dataDir);
    this.#address = address;
    this.#lost = lost;
  }

  open(): void {
    makeDirectory(this.#paths.directory);
    this.#hold = Hold.acquire(this.#paths, this.#address);
    if (!isUnused(this.#paths)) this.#inspection = new Inspection(this.#paths);
  }

  read(): RowChunk | undefined {
    return this.#inspection?.next();
  }

  begin(): Meta {
    assert(this.#hold, "the store is not open");
    this.#inspection?.close();
    if (!this.#inspection) createDatabase(this.#paths);
    this.#database = new Database(this.#paths, this.#lost);
    return this.#database.meta;
  }

  commit(writes: readonly PackedWrite[]): number {
    return present(this.#database, "the open database").commit(writes);
  }

  close(): void {
    this.#inspection?.close();
    try {
      this.#database?.close();
    } finally {
      this.#hold?.release();
    }
  }
}

function serve(thread: WorkerCalls): void {
  const port = present(parentPort, "the port to the store");
  let refusal: WorkerReply | undefined;
  port.on("message", ({ call, args }: WorkerRequest) => {
    // After a failure the disk's state is unknown: nothing is tried again, only given back.
    if (refusal && call !== "close") return port.postMessage(refusal);
    try {
      const run = thread[call] as (...args: readonly unknown[]) => unknown;
      port.postMessage({ isRefused: false, value: run.apply(thread, [...args]) } satisfies WorkerReply);
    } catch (error) {
      const { code, message } = failed("use the store", error);
      refusal = { isRefused: true, code, message };
      port.postMessage(refusal);
    }
    if (call === "close") port.close();
  });
}

serve(new StoreThread(workerData as WorkerOptions));
