/** `npm run bench:replay`: replays traces through the production core, and beside it through simple schedulers. */
import { writeFile } from "node:fs/promises";
import { formatResults, type ScenarioResult } from "./result.ts";
import { compare } from "./compare.ts";
import { type Options, readOptions } from "./options.ts";
import type { Policies } from "./policies.ts";
import { customScenario } from "./scenarios/custom.ts";
import { fairnessScenario, itpScenario } from "./scenarios/itp.ts";
import { measureForecasts } from "./scenarios/forecast.ts";
import { preemptForShort, preemptWithinShares } from "./scenarios/preemption.ts";
import { kthScenario } from "./scenarios/kth.ts";
import { saturate, saturationOf } from "./scenarios/saturation.ts";

const options = readOptions(process.argv.slice(2));
const all: ScenarioResult[] = [];
for (const results of tables(options)) all.push(...show(results));
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(all, undefined, 2)}\n`);

/** The results of each table, worked out as they are asked for. */
function* tables(wanted: Options): Generator<Generator<ScenarioResult>> {
  const policies: Policies = {
    core: wanted.core,
    isWanted: (row) => wanted.policies.length === 0 || wanted.policies.some((name) => row.startsWith(name)),
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
  console.log(`${rows[0]?.scenario ?? "nothing"}\n${formatResults(rows)}\n`);
  return rows;
}
