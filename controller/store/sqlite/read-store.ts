import { RequestError } from "../../../base/errors.ts";
import type { Row } from "../store.ts";
import { dataPaths, isUnused } from "./data-directory.ts";
import { Hold } from "./hold.ts";
import { Inspection } from "./inspection.ts";
import { ChunkParser } from "./parse-chunk.ts";
import type { Meta } from "./schema.ts";

/** All that is in a store. */
export interface StoredState extends Meta {
  readonly rows: readonly Row[];
}

/**
 * Reads and checks all of a store, and holds its directory until it is closed, so that no controller begins with it meanwhile.
 *
 * @throws StoreError `locked`, `damaged`; RequestError `not_found` when nothing is stored there
 */
export function openForReading(dataDir: string, holder: string): { readonly state: StoredState; close(): void } {
  const paths = dataPaths(dataDir);
  if (isUnused(paths)) throw new RequestError("not_found", `there is no store in ${paths.directory}`);
  const hold = Hold.acquire(paths, holder);
  try {
    const inspection = new Inspection(paths);
    try {
      inspection.checkPages();
      return {
        state: { ...inspection.meta, rows: readRows(inspection, paths.directory) },
        close: () => hold.release(),
      };
    } finally {
      inspection.close();
    }
  } catch (error) {
    hold.release();
    throw error;
  }
}

function readRows(inspection: Inspection, directory: string): Row[] {
  const parser = new ChunkParser(directory);
  for (let chunk = inspection.next(); chunk; chunk = inspection.next()) parser.add(chunk);
  return parser.rows;
}
