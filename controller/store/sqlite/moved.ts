import { existsSync, readFileSync } from "node:fs";
import { StoreError } from "../store.ts";
import { type DataPaths, dataPaths, parseJsonObject, replaceFile } from "./data-directory.ts";

/** Notes that the state of the directory has gone elsewhere: controllers refuse it from then on. Nothing else there is changed. */
export function markMoved(dataDir: string, to: string): void {
  const paths = dataPaths(dataDir);
  replaceFile(paths.moved, `${JSON.stringify({ to })}\n`, paths.directory);
}

/** @throws StoreError `damaged` naming where the state has gone */
export function refuseIfMoved({ moved, directory }: DataPaths): void {
  if (!existsSync(moved)) return;
  const { to } = parseJsonObject(readFileSync(moved, "utf8")) ?? {};
  throw new StoreError(
    "damaged",
    `the state in ${directory} was moved to ${typeof to === "string" ? to : "another place"}: start the controller there. ` +
      `To go back to what was here instead, of which jobs know nothing that have begun since, remove ${moved}. Nothing was changed.`,
  );
}
