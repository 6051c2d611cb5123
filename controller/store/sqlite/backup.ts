/** Copies of a store: made while a controller runs, and put in the place of one that is not there. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { messageOf, RequestError, systemErrorCode } from "../../../base/errors.ts";
import { formatTimestamp } from "../../../base/time.ts";
import {
  type DataPaths,
  dataPaths,
  isUnused,
  makeDirectory,
  syncDirectory,
  writeClusterFile,
} from "./data-directory.ts";
import { Hold } from "./hold.ts";
import { Inspection } from "./inspection.ts";
import type { Meta } from "./schema.ts";

/** All pages in one step: the copy is then of one moment, however much is written meanwhile. */
const ALL_PAGES = 2_147_483_647;
/** How long the copy waits for a controller that is just opening the database. */
const BUSY_TIMEOUT_MS = 5_000;

/** What a copy holds. */
export interface BackupContents extends Meta {
  readonly jobs: number;
}

/**
 * Copies the store of the data directory into a file that is not there yet, for its owner alone, and reads all of the copy.
 * Commits go on meanwhile; everything is in it that was acknowledged before.
 *
 * @throws RequestError a sentence that says why there is no copy; then there is no file either
 */
export async function backUpStore(dataDir: string, file: string): Promise<BackupContents> {
  const { database } = dataPaths(dataDir);
  const target = resolve(file);
  const draft = `${target}.new`;
  if (!existsSync(database))
    throw new RequestError("not_found", `there is no store in ${dataDir}: ${database} is missing`);
  if (existsSync(target)) throw inTheWay(target);
  try {
    closeSync(openSync(draft, "wx", 0o600));
  } catch (error) {
    throw new RequestError("unavailable", `cannot make ${draft}: ${messageOf(error)}`);
  }
  try {
    const source = new DatabaseSync(database, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      await backup(source, draft, { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    const contents = inspect(draft);
    syncFile(draft);
    // Unlike a rename, it never replaces a file.
    linkSync(draft, target);
    syncDirectory(dirname(target));
    return contents;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") throw inTheWay(target);
    throw error instanceof RequestError
      ? error
      : new RequestError("unavailable", `cannot back up ${database}: ${messageOf(error)}`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Puts the copy into a data directory in which nothing was ever stored. The next controller there goes on from it.
 *
 * @throws RequestError a sentence that says why not; then nothing was changed
 * @throws StoreError `locked` when a controller uses the directory
 */
export function restoreStore(file: string, dataDir: string): BackupContents {
  const source = resolve(file);
  const paths = dataPaths(dataDir);
  const contents = inspect(source);
  makeDirectory(paths.directory);
  const hold = Hold.acquire(paths, "gpusched restore");
  try {
    if (!isUnused(paths)) throw inTheWayOfRestore(paths);
    const draft = `${paths.database}.new`;
    copyFileSync(source, draft);
    chmodSync(draft, 0o600);
    syncFile(draft);
    const { clusterId, format } = contents;
    renameSync(draft, paths.database);
    writeClusterFile(paths, { clusterId, format, createdAt: formatTimestamp(Date.now()) });
    return contents;
  } finally {
    hold.release();
  }
}

/** Reads all of a copy, checksums included, and changes nothing. */
function inspect(file: string): BackupContents {
  // None of the files is there that stand beside a database in use.
  const beside = dataPaths(`${file}.none`);
  try {
    const inspection = new Inspection({ ...beside, database: file });
    try {
      inspection.checkPages();
      let jobs = 0;
      for (let chunk = inspection.next(); chunk; chunk = inspection.next()) {
        if (chunk.table === "job") jobs += chunk.texts.length / 2;
      }
      return { ...inspection.meta, jobs };
    } finally {
      inspection.close();
    }
  } catch (error) {
    const why = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw new RequestError("unavailable", `${file} is no backup that can be used: ${why}`, { cause: error });
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function inTheWay(file: string): RequestError {
  return new RequestError("conflict", `${file} is there already: a backup replaces nothing`);
}

function inTheWayOfRestore({ directory }: DataPaths): RequestError {
  return new RequestError(
    "conflict",
    `there is a store in ${directory} already: move the directory away, or name another one with --data-dir. Nothing was changed`,
  );
}
