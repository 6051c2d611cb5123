import { constants, type BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { systemErrorCode } from "../../base/errors.ts";

/** Opens the name itself, without reading it and without any right to what it names. Linux; Node has no name for it. */
const O_PATH = 0o10000000;
const HOW = O_PATH | constants.O_NOFOLLOW;

/** A part of a path, as it was when it was passed. */
export interface Passed {
  readonly path: string;
  readonly stats: BigIntStats;
}

/**
 * Every part of an absolute path from the root on, each opened in the one before it and none followed, as openat2 with
 * RESOLVE_NO_SYMLINKS does: what comes back was one path at one time, whatever is swapped meanwhile.
 *
 * @throws the system's error; `ELOOP` for a symbolic link on the way
 */
export async function walk(path: string): Promise<readonly Passed[]> {
  const passed: Passed[] = [];
  let at = await open("/", HOW | constants.O_DIRECTORY);
  try {
    passed.push({ path: "/", stats: await at.stat({ bigint: true }) });
    for (const name of path.split("/").filter((it) => it !== "")) {
      const next = await open(`/proc/self/fd/${at.fd}/${name}`, HOW);
      await close(at);
      at = next;
      const stats = await at.stat({ bigint: true });
      const below = `${passed.at(-1)?.path === "/" ? "" : (passed.at(-1)?.path ?? "")}/${name}`;
      if (stats.isSymbolicLink()) throw Object.assign(new Error(`${below} is a symbolic link`), { code: "ELOOP" });
      passed.push({ path: below, stats });
    }
    return passed;
  } finally {
    await close(at);
  }
}

async function close(handle: FileHandle): Promise<void> {
  try {
    await handle.close();
  } catch (error) {
    if (systemErrorCode(error) !== "EBADF") throw error;
  }
}
