/**
 * The default store: one SQLite database in the controller's data directory, written by a thread of its own.
 *
 *     gpusched.db       one table per kind of row (key, value as JSON, crc) and `meta` (format, clusterId, term, revision);
 *                       opens with the ordinary sqlite3 tool, also while the controller runs
 *     gpusched.db-wal   SQLite's write-ahead log: holds the latest commits, belongs to the database, is never to be removed
 *     gpusched.db-shm   SQLite's index of that log; holds no data
 *     cluster.json      says that a store lives here, so that a database that vanished is not taken for a new beginning
 *     revision          how far the database had come, so that a log that was cut off is noticed
 *     reserve          keeps room for when the disk is full; holds no data
 *     moved.json       says that the state has gone elsewhere, and where: controllers refuse the directory
 *     controller.lock   locked by the one controller that uses the directory; empty
 *     owner.json        who that is, for people
 *
 * A backup is made by backup.ts at any time, or by a copy of the directory while no controller runs.
 */
import { stat } from "node:fs/promises";
import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { MINUTE_MS, SECOND_MS } from "../../../base/time.ts";
import { type Row, type Store, type StoreContents, StoreError, type Tenure, type Write } from "../store.ts";
import { dataPaths } from "./data-directory.ts";
import type { PackedWrite } from "./database.ts";
import { ChunkParser } from "./parse-chunk.ts";
import { Room } from "./room.ts";
import type { Committed, WorkerOptions } from "./worker-calls.ts";
import { WorkerChannel } from "./worker-channel.ts";

export interface SqliteStoreOptions {
  /** Made, for its owner only, if it is not there. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Who opens it: shown to a second controller that tries to. */
  readonly owner: { readonly address: string };
  /** How far the cluster had come whose latest state is lost, once a person has accepted that: the next term is beyond it. */
  readonly lost?: { readonly term: number; readonly revision: number } | undefined;
  /** Room that is kept on the disk for when it is full; without it, nothing new is stored. None by default. */
  readonly reserveBytes?: number;
  /** How long a commit waits for room on a disk that is full to the last, the reserve included. Nothing is answered meanwhile. */
  readonly waitForRoomMs?: number;
}

/** Opening reads and checks everything: time in proportion to the size of the database. */
const OPEN_DEADLINE_MS = 10 * MINUTE_MS;
const COMMIT_DEADLINE_MS = 30 * SECOND_MS;
const CLOSE_DEADLINE_MS = 30 * SECOND_MS;
/** A disk that is full for longer ends the term. */
const WAIT_FOR_ROOM_MS = 20 * SECOND_MS;
const RETRY_MS = 500;
const CHUNKS_AHEAD = 4;

/**
 * Takes hold of the directory, checks and reads all that is stored, and only then begins the next term.
 * Rejects with `locked`, `damaged` or `failed`; then nothing stored was changed.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { dataDir, log, owner, lost, reserveBytes = 0 } = options;
  const paths = dataPaths(dataDir);
  const thread = { dataDir: paths.directory, address: owner.address, lost, reserveBytes };
  const channel = new WorkerChannel(thread);
  try {
    const isUsed = await channel.call(OPEN_DEADLINE_MS, "open");
    const rows = isUsed ? await readAndCheck(channel, thread) : [];
    const { clusterId, term, revision } = await channel.call(OPEN_DEADLINE_MS, "begin");
    log.info({ path: paths.database, clusterId, term, revision, rows: rows.length }, "store opened");
    return new SqliteStore(channel, { clusterId, term, revision, rows }, { ...options, dataDir: paths.directory });
  } catch (error) {
    await channel.close(CLOSE_DEADLINE_MS).catch((closing: unknown) => {
      log.warn({ error: messageOf(closing) }, "store not closed cleanly");
    });
    throw error;
  }
}

/** Bytes of the database and its write-ahead log. */
export async function sizeOfStore(dataDir: string): Promise<number> {
  const { database, wal } = dataPaths(dataDir);
  const sizes = [database, wal].map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** All rows, of a store that is sound. What is wrong with its pages is told rather than what that does to rows. */
async function readAndCheck(channel: WorkerChannel, thread: WorkerOptions): Promise<Row[]> {
  const rows = readRows(channel, thread.dataDir);
  // Awaited below, unless there is something worse.
  rows.catch(() => undefined);
  const checker = new WorkerChannel(thread);
  try {
    await checker.call(OPEN_DEADLINE_MS, "checkPages");
  } finally {
    await checker.close(CLOSE_DEADLINE_MS);
  }
  return rows;
}

/** Asks for some chunks before it parses one, so that both threads always have work, and few chunks are held. */
async function readRows(channel: WorkerChannel, directory: string): Promise<Row[]> {
  const parser = new ChunkParser(directory);
  const ask = () => {
    const chunk = channel.call(OPEN_DEADLINE_MS, "read");
    // Awaited below; a chunk that cannot be parsed must not leave those after it unhandled.
    chunk.catch(() => undefined);
    return chunk;
  };
  const asked = Array.from({ length: CHUNKS_AHEAD }, ask);
  for (let chunk = await asked.shift(); chunk; chunk = await asked.shift()) {
    asked.push(ask());
    parser.add(chunk);
  }
  return parser.rows;
}

class SqliteStore implements Store {
  readonly kind = "sqlite";
  /** Nobody can take the directory from its holder. */
  readonly tenure: Tenure = { isHeld: () => this.#over === undefined, lost: new Promise(() => undefined) };
  readonly #channel: WorkerChannel;
  readonly #log: Logger;
  readonly #path: string;
  readonly #waitForRoomMs: number;
  readonly #room: Room;
  #contents: StoreContents | undefined;
  #over: StoreError | undefined;
  #closed: Promise<void> | undefined;

  constructor(channel: WorkerChannel, contents: StoreContents, options: SqliteStoreOptions) {
    const { dataDir: path, log, waitForRoomMs = WAIT_FOR_ROOM_MS } = options;
    this.#channel = channel;
    this.#path = path;
    this.#waitForRoomMs = waitForRoomMs;
    this.#room = new Room({ refill: () => channel.call(COMMIT_DEADLINE_MS, "refill"), path, log });
    this.#contents = contents;
    this.#log = log;
  }

  get shortage(): string | undefined {
    return this.#room.shortage;
  }

  /** What was read at the opening; handed out once, so that it is not held for ever. */
  async load(): Promise<StoreContents> {
    if (this.#over) throw this.#over;
    const contents = this.#contents;
    if (!contents) throw new StoreError("failed", "the store was loaded before: reopen it to load again");
    this.#contents = undefined;
    return contents;
  }

  async commit(writes: readonly Write[]): Promise<number> {
    if (this.#over) throw this.#over;
    const packed = writes.map(pack);
    try {
      const { revision, tookReserve } = await this.#commitWhenThereIsRoom(packed);
      if (tookReserve) this.#room.gaveUp();
      return revision;
    } catch (error) {
      this.#over ??= error instanceof StoreError ? error : new StoreError("failed", messageOf(error), { cause: error });
      throw this.#over;
    }
  }

  /** A commit that finds no room was not done, and may be repeated. */
  async #commitWhenThereIsRoom(packed: readonly PackedWrite[]): Promise<Committed> {
    const giveUpAtMs = performance.now() + this.#waitForRoomMs;
    for (;;) {
      try {
        return await this.#channel.call(COMMIT_DEADLINE_MS, "commit", packed);
      } catch (error) {
        const isFull = error instanceof StoreError && error.code === "full";
        if (!isFull || performance.now() >= giveUpAtMs) throw error;
        this.#room.gaveUp();
        this.#log.warn({ path: this.#path }, "a commit waits for room on the disk");
        await delay(RETRY_MS, new AbortController().signal);
      }
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#over ??= new StoreError("failed", "the store is closed");
    await this.#room.close();
    await this.#channel.close(CLOSE_DEADLINE_MS);
    this.#log.info("store closed");
  }
}

function pack({ table, key, value }: Write): PackedWrite {
  return { table, key, text: value === null ? null : JSON.stringify(value) };
}
