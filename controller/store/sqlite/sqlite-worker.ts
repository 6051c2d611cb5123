/** The store's thread: everything that waits for the disk is done here, one call after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { assert, present } from "../../../base/assert.ts";
import { createDatabase, Database, type PackedWrite } from "./database.ts";
import { type DataPaths, dataPaths, isUnused, makeDirectory } from "./data-directory.ts";
import { Hold } from "./hold.ts";
import { Inspection, type RowChunk } from "./inspection.ts";
import type { Mark } from "../accepted-loss.ts";
import type { Meta } from "./schema.ts";
import { type Refill, Reserve } from "./reserve.ts";
import { failed, isFull } from "./store-errors.ts";
import type { Committed, WorkerCalls, WorkerOptions, WorkerReply, WorkerRequest } from "./worker-calls.ts";

class StoreThread implements WorkerCalls {
  readonly #paths: DataPaths;
  readonly #address: string;
  readonly #lost: Mark | undefined;
  readonly #reserve: Reserve;
  #hold: Hold | undefined;
  #inspection: Inspection | undefined;
  #database: Database | undefined;

  constructor({ dataDir, address, lost, reserveBytes }: WorkerOptions) {
    this.#paths = dataPaths(dataDir);
    this.#reserve = new Reserve(this.#paths.reserve, reserveBytes);
    this.#address = address;
    this.#lost = lost;
  }

  open(): boolean {
    makeDirectory(this.#paths.directory);
    this.#hold = this.#withRoom(() => Hold.acquire(this.#paths, this.#address)).result;
    if (isUnused(this.#paths)) return false;
    this.#inspection = new Inspection(this.#paths);
    return true;
  }

  checkPages(): void {
    this.#inspection = new Inspection(this.#paths);
    this.#inspection.checkPages();
  }

  read(): RowChunk | undefined {
    return this.#inspection?.next();
  }

  begin(): Meta {
    assert(this.#hold, "the store is not open");
    this.#inspection?.close();
    if (!this.#inspection) createDatabase(this.#paths);
    const { result } = this.#withRoom(() => new Database(this.#paths, this.#lost));
    this.#database = result;
    return result.meta;
  }

  commit(writes: readonly PackedWrite[]): Committed {
    const database = present(this.#database, "the open database");
    const { result, tookReserve } = this.#withRoom(() => database.commit(writes));
    return { revision: result, tookReserve };
  }

  refill(): Refill {
    return this.#reserve.refill();
  }

  close(): void {
    this.#inspection?.close();
    try {
      this.#database?.close();
    } finally {
      this.#hold?.release();
    }
  }

  /** Once more with the reserve's room, if there is none without it. */
  #withRoom<T>(run: () => T): { readonly result: T; readonly tookReserve: boolean } {
    try {
      return { result: run(), tookReserve: false };
    } catch (error) {
      if (!isFull(error) || !this.#reserve.release()) throw error;
      return { result: run(), tookReserve: true };
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
      const reply: WorkerReply = { isRefused: true, code, message };
      if (code !== "full") refusal = reply;
      port.postMessage(reply);
    }
    if (call === "close") port.close();
  });
}

serve(new StoreThread(workerData as WorkerOptions));
