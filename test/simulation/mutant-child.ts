/** Plants one bug into what this process loads, and looks for a seed that finds it. Prints the result as JSON. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../build/source-files.ts";
import { MUTANTS } from "./mutants.ts";

const [name, from, seeds] = process.argv.slice(2);
const mutant = MUTANTS.find((one) => one.name === name);
if (!mutant) throw new Error(`no mutant is called ${name}`);
const target = pathToFileURL(join(root, mutant.file)).href;
let isPlanted = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const pieces = readFileSync(new URL(url), "utf8").split(mutant.find);
    // A piece that has changed, or is there twice, would plant nothing, or another bug.
    if (pieces.length !== 2) throw new Error(`${mutant.file} has the text ${pieces.length - 1} times: ${mutant.find}`);
    isPlanted = true;
    return { ...loaded, source: pieces.join(mutant.replace) };
  },
});

// Only now: what it imports is what the bug is planted into.
const { simulate } = await import("./simulation.ts");
if (!isPlanted) throw new Error(`${mutant.file} is not loaded: the bug was not planted`);
// A bug may leave promises that nobody looks at.
process.on("unhandledRejection", () => {});
let found: { readonly seed: number; readonly violation: string } | undefined;
let tried = 0;
for (let seed = Number(from); seed < Number(from) + Number(seeds) && !found; seed += 1) {
  const { violations } = await simulate(seed, { always: mutant.under });
  tried += 1;
  if (violations[0] !== undefined) found = { seed, violation: violations[0] };
}
console.log(JSON.stringify({ tried, ...found }));
