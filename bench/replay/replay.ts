/** `npm run bench:replay`: replays traces through the production core, and beside it through simple schedulers. */
import { writeFileSync } from "node:fs";
import { formatResults, type ScenarioResult } from "./result.ts";
import { compare } from "./compare.ts";
import { TraceError } from "./csv.ts";
import { type Options, readOptions } from "./options.ts";
import type { Policies } from "./policies.ts";
import { customScenario } from "./scenarios/custom.ts";
import { fairnessScenario, itpScenario } from "./scenarios/itp.ts";
import { measureForecasts } from "./scenarios/forecast.ts";
import { preemptForShort, preemptWithinShares } from "./scenarios/preemption.ts";
import { kthScenario } from "./scenarios/kth.ts";
import { saturate, saturationOf } from "./scenarios/saturation.ts";

/** A file cannot be used (EX_DATAERR of sysexits.h), as of `gpusched`. */
const UNUSABLE = 65;
const USAGE = 2;

process.exitCode = main(readOptions(process.argv.slice(2)));

function main(options: Options): number {
  const all: ScenarioResult[] = [];
  const rowNames = new Set<string>();
  try {
    for (const results of tables(options, rowNames)) all.push(...show(results));
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    console.error(error.message);
    return UNUSABLE;
  }
  if (all.length === 0) {
    console.error(`no policy begins with ${options.policies.join(" or ")}; there are: ${[...rowNames].join("; ")}`);
    return USAGE;
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(all, undefined, 2)}\n`);
  return 0;
}

/** The results of each table, worked out as they are asked for. */
function* tables(wanted: Options, rowNames: Set<string>): Generator<Generator<ScenarioResult>> {
  const policies: Policies = {
    core: wanted.core,
    isWanted: (row) => {
      rowNames.add(row);
      return wanted.policies.length === 0 || wanted.policies.some((name) => row.startsWith(name));
    },
  };
  const { custom, traces } = wanted;
  if (custom) {
    const scenario = customScenario(custom);
    yield wanted.measuresForecasts ? measureForecasts(scenario) : compare(scenario, policies);
  }
  if (traces === undefined) return;
  if (wanted.has("saturation")) {
    for (const trace of wanted.pods) yield saturate(saturationOf(traces, trace), wanted, policies);
  }
  if (wanted.has("kth")) yield compare(kthScenario(traces, "requested"), policies);
  if (wanted.has("kth-logged")) yield compare(kthScenario(traces, "stretched"), policies);
  if (wanted.has("itp")) yield compare(itpScenario(traces), policies);
  if (wanted.has("fairness")) yield compare(fairnessScenario(traces), policies);
  if (wanted.has("preemption")) {
    yield preemptWithinShares(fairnessScenario(traces), policies);
    yield preemptForShort(itpScenario(traces), policies);
  }
  if (wanted.has("forecast")) {
    yield measureForecasts(itpScenario(traces));
    yield measureForecasts(kthScenario(traces, "requested"));
    yield measureForecasts(kthScenario(traces, "none"));
  }
}

function show(results: Generator<ScenarioResult>): ScenarioResult[] {
  const rows: ScenarioResult[] = [];
  for (const row of results) {
    rows.push(row);
    console.error(`${row.scenario}, ${row.policy}: ${row.tookS.toFixed(1)} s`);
  }
  const [first] = rows;
  if (first) console.log(`${first.scenario}\n${formatResults(rows)}\n`);
  return rows;
}
