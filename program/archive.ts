import { join } from "node:path";
import type { ArchiveOptions } from "../controller/archive/archivist.ts";

/** How long finished jobs are kept, and where they go then. */
export function archiveOf(
  values: { readonly keepFinishedFor: number; readonly keepFinished: number; readonly archive: string | undefined },
  dataDir: string,
): ArchiveOptions {
  return {
    keepMs: values.keepFinishedFor,
    keepJobs: values.keepFinished,
    directory: values.archive ?? join(dataDir, "archive"),
  };
}
