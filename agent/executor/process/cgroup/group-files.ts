/** Single files of control groups: small, in memory, and answered by the kernel at once, so nothing here waits. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { systemErrorCode } from "../../../../base/errors.ts";

/**
 * Where there is none yet. Not with all the directories above it: on file systems that answer ENOENT where nothing can be
 * made, Node would try that for ever.
 *
 * @throws the kernel's error when it may not be made here
 */
export function makeGroup(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
}

/** @throws the kernel's error, also when there is such a group */
export function makeNewGroup(directory: string): void {
  makeGroup(dirname(directory));
  mkdirSync(directory);
}

/** Removes groups of that kind in which nothing is. */
export function sweepGroups(directory: string, kind: RegExp): void {
  for (const child of childGroups(directory)) {
    if (!kind.test(basename(child))) continue;
    try {
      rmdirSync(child);
    } catch {
      // It is in use.
    }
  }
}

/** @throws the kernel's error */
export function writeGroupFile(directory: string, name: string, value: string): void {
  // Never made: a name that the kernel does not have must fail.
  writeFileSync(join(directory, name), value, { flag: "r+" });
}

/** False where the kernel does not have the file, or does not take the value. */
export function tryWriteGroupFile(directory: string, name: string, value: string): boolean {
  try {
    writeGroupFile(directory, name, value);
    return true;
  } catch {
    return false;
  }
}

/** Empty where there is none. */
export function readGroupFile(directory: string, name: string): string {
  try {
    return readFileSync(join(directory, name), "utf8");
  } catch {
    return "";
  }
}

/** The processes in the group and in the groups that jobs have made in it. */
export function processesInGroup(directory: string): readonly number[] {
  const own = readGroupFile(directory, "cgroup.procs")
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
  return [...own, ...childGroups(directory).flatMap(processesInGroup)];
}

/** Removes the group with the groups in it. False while something is in it. */
export function removeGroup(directory: string): boolean {
  for (const child of childGroups(directory)) if (!removeGroup(child)) return false;
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "ENOENT";
  }
}

function childGroups(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((it) => it.isDirectory()).map((it) => join(directory, it.name));
  } catch {
    return [];
  }
}
