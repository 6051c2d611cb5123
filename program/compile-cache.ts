import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../base/version.ts";

/**
 * Keeps what Node.js makes of the sources for the next start, which then takes half the time. Beside the code itself, so that nobody
 * can put something there who could not change the code; where this user may not write, every start is as the first one.
 */
export function useCompileCache(): void {
  enableCompileCache(join(packageRoot, "node_modules/.cache/compile"));
}

/** Writes what is new, if anything is: a process that is killed later writes nothing. */
export function keepCompileCache(): void {
  flushCompileCache();
}
