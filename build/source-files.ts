import { globSync } from "node:fs";
import { join } from "node:path";

export const root: string = join(import.meta.dirname, "..");

/** The folders with code of ours, tests and tools included. */
export const CODE_FOLDERS: readonly string[] = [
  "base",
  "contract",
  "proto",
  "controller",
  "agent",
  "gateway",
  "program",
  "test",
  "bench",
  "build",
];

/** Every TypeScript file below the folders, relative to the root, generated ones included. */
export function typeScriptFiles(folders: readonly string[] = CODE_FOLDERS): string[] {
  return folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root })).toSorted();
}
