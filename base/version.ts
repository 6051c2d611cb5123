import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The directory that holds package.json: the checkout, or the installed package. */
export const packageRoot: string = findPackageRoot(import.meta.dirname);

/** The version of this program, from package.json. */
export const version: string = readVersion();

function findPackageRoot(start: string): string {
  for (let dir = start; ; dir = dirname(dir)) {
    try {
      readFileSync(join(dir, "package.json"));
      return dir;
    } catch (error) {
      if (dir === dirname(dir)) throw error;
    }
  }
}

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  if (typeof parsed === "object" && parsed !== null && "version" in parsed) return String(parsed.version);
  return "unknown";
}
