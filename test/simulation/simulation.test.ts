import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";
import { MUTANTS } from "./mutants.ts";

const run = promisify(execFile);

/** In a process of its own: the simulator's timers are the simulated world's. */
async function simulate(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, "simulate.ts"), ...args]);
  return stdout;
}

test("whatever fails, nothing is lost, nothing runs twice, and once all is well everything gets done", async () => {
  expect(await simulate("--seeds", "100")).toContain("100 seeds, 0 failed");
});

test.each(MUTANTS)("the text that is changed to plant '$name' is there, once", ({ file, find }) => {
  expect(readFileSync(join(packageRoot, file), "utf8").split(find)).toHaveLength(2);
});

test("a seed is the same world every time", async () => {
  const [first, again, another] = await Promise.all(["3", "3", "4"].map((seed) => simulate("--seed", seed)));
  const hash = (text = "") => /hash (\w+)/.exec(text)?.[1];
  expect(hash(first)).toBe(hash(again));
  expect(hash(first)).not.toBe(hash(another));
});
