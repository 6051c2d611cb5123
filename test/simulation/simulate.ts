/** `npm run simulate`: runs seeds, prints those that fail, what they met and how fast it went. */
import { parseArgs } from "node:util";
import { Coverage } from "./coverage.ts";
import { runMutants } from "./run-mutants.ts";
import { simulate } from "./simulation.ts";

const SEEDS = 100;
const MUTANT_SEEDS = 200;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    /** Plants bugs, one after another, and sees each found within `--seeds`. */
    mutants: { type: "boolean", default: false },
    /** Of them, those whose name has this text. */
    match: { type: "string", default: "" },
    /** Ends at the first seed that fails. */
    first: { type: "boolean", default: false },
  },
});

const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds ?? SEEDS) : 1;
const isWell = values.mutants
  ? await runMutants({ from, seeds: Number(values.seeds ?? MUTANT_SEEDS), match: values.match })
  : await runSeeds(from, count);
process.exitCode = isWell ? 0 : 1;

async function runSeeds(first: number, seeds: number): Promise<boolean> {
  const print = values.trace ? (line: string) => console.log(line) : undefined;
  const coverage = new Coverage();
  const startedAt = performance.now();
  const cpuAt = process.cpuUsage();
  let [failed, done, events, simulatedMs] = [0, 0, 0, 0];
  for (let seed = first; seed < first + seeds; seed += 1) {
    const result = await simulate(seed, { print });
    coverage.add(result.coverage);
    done += 1;
    events += result.events;
    simulatedMs += result.simulatedMs;
    if (seeds === 1) console.log(`seed ${seed}: hash ${result.hash}`);
    if (result.violations.length === 0) continue;
    failed += 1;
    console.log(`seed ${seed} FAILED (again: npm run simulate -- --seed ${seed} --trace)`);
    for (const violation of result.violations.slice(0, 5)) console.log(`    ${violation}`);
    if (values.first) break;
  }
  const { user, system } = process.cpuUsage(cpuAt);
  const cpuHours = (user + system) / 3_600_000_000;
  if (seeds > 1) for (const line of coverage.lines()) console.log(line);
  console.log(
    `${done} seeds, ${failed} failed, ${events} events, ${(simulatedMs / 3_600_000).toFixed(1)} simulated hours, ` +
      `${((performance.now() - startedAt) / 1_000).toFixed(1)} s, ${Math.round(done / cpuHours)} seeds per hour and core`,
  );
  return failed === 0;
}
