import { existsSync } from "node:fs";
import { RequestError } from "../../../base/errors.ts";
import { formatTimestamp } from "../../../base/time.ts";
import type { StoreContents } from "../store.ts";
import { dataPaths, isUnused, makeDirectory, writeClusterFile } from "./data-directory.ts";
import { createDatabase } from "./database.ts";
import { Hold } from "./hold.ts";
import { FORMAT } from "./schema.ts";

/**
 * Writes a whole state into a directory in which nothing was ever stored; the next controller there begins the term after it. When
 * it is interrupted, what is left is refused by controllers, because its database is missing.
 *
 * @throws StoreError `locked`, `failed`; RequestError `conflict` when something is there
 */
export function writeStore(dataDir: string, contents: StoreContents): void {
  const paths = dataPaths(dataDir);
  makeDirectory(paths.directory);
  const hold = Hold.acquire(paths, "gpusched migrate");
  try {
    if (!isUnused(paths) || existsSync(paths.moved)) {
      throw new RequestError(
        "conflict",
        `there is a store in ${paths.directory} already: move the directory away, or name another one. Nothing was changed`,
      );
    }
    const { clusterId, term, revision, rows } = contents;
    writeClusterFile(paths, { clusterId, format: FORMAT, createdAt: formatTimestamp(Date.now()) });
    createDatabase(paths, { meta: { format: FORMAT, clusterId, term, revision }, rows });
  } finally {
    hold.release();
  }
}
