import { readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { formatTimestamp } from "../../../base/time.ts";
import { StoreError } from "../store.ts";
import { type DataPaths, parseJsonObject, replaceFile } from "./data-directory.ts";
import { failed, isBusy } from "./store-errors.ts";

/** Long enough for two that start at once to settle it, and for one that is just ending. */
const ACQUIRE_TIMEOUT_MS = 1_000;

/** What `owner.json` says. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly address: string;
  readonly startedAt: string;
}

/**
 * The exclusive hold on a data directory: a lock in an empty SQLite database of its own. The kernel gives it up with the process,
 * however that ends. Beside it, `owner.json` says who holds it: for people, never for deciding.
 */
export class Hold {
  readonly #lock: DatabaseSync;
  readonly #paths: DataPaths;

  private constructor(lock: DatabaseSync, paths: DataPaths) {
    this.#lock = lock;
    this.#paths = paths;
  }

  /** Throws `locked`, naming the holder, when another store holds the directory: in this process or any other. */
  static acquire(paths: DataPaths, address: string): Hold {
    const lock = openLock(paths);
    try {
      lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      const owner: Owner = { pid: process.pid, host: hostname(), address, startedAt: formatTimestamp(Date.now()) };
      replaceFile(paths.owner, `${JSON.stringify(owner, null, 2)}\n`, paths.directory);
      return new Hold(lock, paths);
    } catch (error) {
      lock.close();
      throw isBusy(error) ? locked(paths) : failed(`lock ${paths.lock}`, error);
    }
  }

  release(): void {
    rmSync(this.#paths.owner, { force: true });
    this.#lock.close();
  }
}

function openLock(paths: DataPaths): DatabaseSync {
  try {
    return new DatabaseSync(paths.lock, { timeout: ACQUIRE_TIMEOUT_MS });
  } catch (error) {
    const user = process.getuid?.() ?? "unknown";
    throw failed(`write to ${paths.directory} as user ${user} (${paths.lock})`, error);
  }
}

function locked(paths: DataPaths): StoreError {
  return new StoreError(
    "locked",
    `${paths.directory} is held by another controller: ${describeOwner(paths)}. ` +
      "Stop that one first, or give this one another data directory.",
  );
}

function describeOwner(paths: DataPaths): string {
  const owner = readOwner(paths);
  if (!owner) return `its name is not to be read from ${paths.owner}`;
  return `process ${owner.pid} on host ${owner.host}, address ${owner.address}, since ${owner.startedAt}`;
}

function readOwner(paths: DataPaths): Owner | undefined {
  try {
    const { pid, host, address, startedAt } = parseJsonObject(readFileSync(paths.owner, "utf8")) ?? {};
    if (typeof pid !== "number" || typeof host !== "string") return undefined;
    if (typeof address !== "string" || typeof startedAt !== "string") return undefined;
    return { pid, host, address, startedAt };
  } catch {
    return undefined;
  }
}
