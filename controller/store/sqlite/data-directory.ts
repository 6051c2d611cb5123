import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { messageOf } from "../../../base/errors.ts";
import { makeDataDirectory } from "../../../base/make-directory.ts";
import { StoreError } from "../store.ts";
import { damaged } from "./store-errors.ts";

/** The files of a data directory: see sqlite-store.ts for what each is for. */
export interface DataPaths {
  readonly directory: string;
  readonly database: string;
  readonly wal: string;
  readonly journal: string;
  readonly lock: string;
  readonly owner: string;
  readonly cluster: string;
  readonly revision: string;
  readonly reserve: string;
  readonly moved: string;
}

export function dataPaths(dataDir: string): DataPaths {
  const directory = resolve(dataDir);
  const database = join(directory, "gpusched.db");
  return {
    directory,
    database,
    wal: `${database}-wal`,
    journal: `${database}-journal`,
    lock: join(directory, "controller.lock"),
    owner: join(directory, "owner.json"),
    cluster: join(directory, "cluster.json"),
    revision: join(directory, "revision"),
    reserve: join(directory, "reserve"),
    moved: join(directory, "moved.json"),
  };
}

/** Makes the directory, for its owner only, unless it is there. */
export function makeDirectory(directory: string): void {
  try {
    makeDataDirectory(directory);
  } catch (error) {
    throw new StoreError("failed", messageOf(error), { cause: error });
  }
}

/** Whether nothing was ever stored in the directory. */
export function isUnused(paths: DataPaths): boolean {
  return ![paths.database, paths.wal, paths.cluster, paths.revision].some((path) => existsSync(path));
}

/** Replaces the file as a whole and durably: a reader, or a power cut, finds the old text or the new one. */
export function replaceFile(path: string, text: string, directory: string): void {
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncDirectory(directory);
}

/** Makes names that were created or renamed in the directory durable. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The file that says that a store lives here, so that a database that vanished is not taken for a new beginning. */
export interface ClusterFile {
  readonly clusterId: string;
  readonly createdAt: string;
  readonly format: number;
}

export function writeClusterFile(paths: DataPaths, cluster: ClusterFile): void {
  replaceFile(paths.cluster, `${JSON.stringify(cluster, null, 2)}\n`, paths.directory);
}

/** Undefined when there is none; throws `damaged` when it cannot be understood. */
export function readClusterFile(paths: DataPaths): ClusterFile | undefined {
  if (!existsSync(paths.cluster)) return undefined;
  const cluster = parseJsonObject(readFileSync(paths.cluster, "utf8"));
  const { clusterId, createdAt, format } = cluster ?? {};
  if (typeof clusterId !== "string" || typeof createdAt !== "string" || typeof format !== "number") {
    throw damaged(paths, `${basename(paths.cluster)} cannot be read`);
  }
  return { clusterId, createdAt, format };
}

/** The object that the text is, undefined for any other text. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
