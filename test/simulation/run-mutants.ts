import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const run = promisify(execFile);

interface Found {
  readonly tried: number;
  readonly seed?: number;
  readonly violation?: string;
}

/** Plants each bug that matches, one after another, and tells how many seeds it took to find it. False when one was not found. */
export async function runMutants(options: { from: number; seeds: number; match: string }): Promise<boolean> {
  const chosen = MUTANTS.filter(({ name }) => name.includes(options.match));
  let found = 0;
  for (const mutant of chosen) {
    const { tried, violation } = await look(mutant, options);
    if (violation !== undefined) found += 1;
    const outcome = violation === undefined ? "NOT FOUND in" : "found by seed";
    console.log(`${outcome} ${String(tried).padStart(4)}  ${mutant.name}`);
    if (violation !== undefined) console.log(`                    ${violation.slice(0, 150)}`);
  }
  console.log(`${found} of ${chosen.length} planted bugs found, each within ${options.seeds} seeds`);
  return found === chosen.length;
}

async function look({ name }: Mutant, { from, seeds }: { from: number; seeds: number }): Promise<Found> {
  const child = join(import.meta.dirname, "mutant-child.ts");
  const { stdout } = await run(process.execPath, [child, name, String(from), String(seeds)]);
  // A bug may have something printed before.
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Found;
}
