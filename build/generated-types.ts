import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./source-files.ts";

/** The files below `proto/generated` that are not what the generator makes of the sources now: changed, missing or left over. */
export function staleGeneratedTypes(): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "gpusched-types-"));
  try {
    execFileSync(process.execPath, [join(root, "build/generate-proto-types.ts"), fresh], { stdio: "pipe" });
    const current = join(root, "proto/generated");
    const names = new Set([fresh, current].flatMap((directory) => globSync("**/*.ts", { cwd: directory })));
    return [...names].filter((name) => read(join(fresh, name)) !== read(join(current, name))).toSorted();
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
