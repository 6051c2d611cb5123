import type { Policy } from "../../controller/core/model/policy.ts";
import { type RunMetrics, metricsOf } from "../../controller/replay/metrics.ts";
import type { RunRecord } from "../../controller/replay/record.ts";
import { VirtualCluster } from "../../controller/replay/virtual-cluster.ts";
import type { ReplayJob, ReplayNode } from "../../controller/replay/workload.ts";
import { conservative } from "./baselines/conservative.ts";
import { type EasyOptions, easy } from "./baselines/easy.ts";
import type { Choice } from "./baselines/pool.ts";
import {
  fifo,
  leastUsedTenantFirst,
  shortestFirst,
  shortestFirstStrict,
  startWhateverFits,
} from "./baselines/queue-policies.ts";
import { shortestRemainingFirst } from "./baselines/srtf.ts";
import { type QueuePolicy, QueueSimulator } from "./baselines/queue-simulator.ts";
import type { Policies } from "./policies.ts";
import { queueFigures, type ScenarioResult } from "./result.ts";
import { tenantsOf } from "./workload.ts";

/** A simple scheduler to compare with. */
export interface QueueBaseline {
  readonly name: string;
  readonly policy: QueuePolicy;
  readonly choice: Choice;
}

/** Jobs that come and go on some nodes, and who is to schedule them. */
export interface QueueScenario {
  readonly name: string;
  readonly nodes: readonly ReplayNode[];
  readonly jobs: readonly ReplayJob[];
  readonly baselines: readonly QueueBaseline[];
}

const TRUE_TIMES: EasyOptions = { boundMs: (job) => job.runMs, backfill: "oldest-first" };
const REQUESTED_TIMES: EasyOptions = { boundMs: (job) => job.requestedMs, backfill: "oldest-first" };

const ALL: readonly QueueBaseline[] = [
  { name: "fifo", policy: fifo, choice: "best" },
  { name: "start-whatever-fits", policy: startWhateverFits, choice: "best" },
  { name: "start-whatever-fits, first fit", policy: startWhateverFits, choice: "first" },
  { name: "start-whatever-fits, random fit", policy: startWhateverFits, choice: "random" },
  { name: "easy, requested times", policy: easy(REQUESTED_TIMES), choice: "best" },
  {
    name: "easy-sjbf, requested times",
    policy: easy({ ...REQUESTED_TIMES, backfill: "shortest-first" }),
    choice: "best",
  },
  { name: "easy, true times", policy: easy(TRUE_TIMES), choice: "best" },
  { name: "easy, true times, random fit", policy: easy(TRUE_TIMES), choice: "random" },
  { name: "conservative, requested times", policy: conservative((job) => job.requestedMs), choice: "best" },
  { name: "shortest first, true times", policy: shortestFirst, choice: "best" },
  { name: "shortest first, true times, strict", policy: shortestFirstStrict, choice: "best" },
  { name: "shortest remaining first, true times", policy: shortestRemainingFirst, choice: "best" },
  { name: "least-used tenant first", policy: leastUsedTenantFirst, choice: "best" },
];

/** Baselines by name, in the order of the table; every scenario says which make sense there. */
export function baselines(...names: readonly string[]): QueueBaseline[] {
  const unknown = names.filter((name) => !ALL.some((baseline) => baseline.name === name));
  if (unknown.length > 0) throw new TypeError(`there is no baseline ${unknown.join(", ")}`);
  return ALL.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** Replays the scenario under every policy; each result comes as soon as it is there. */
export function* compare(scenario: QueueScenario, { core, isWanted }: Policies): Generator<ScenarioResult> {
  for (const { name, policy, choice } of scenario.baselines) {
    if (!isWanted(name)) continue;
    yield measure(scenario, name, () => new QueueSimulator(scenario.nodes, choice).run(scenario.jobs, policy));
  }
  for (const [name, policy] of core) {
    if (isWanted(`core: ${name}`)) yield measure(scenario, `core: ${name}`, () => replay(scenario, policy));
  }
}

/** What the production core makes of the scenario. */
function replay({ nodes, jobs }: QueueScenario, policy: Policy): RunRecord {
  return new VirtualCluster({ nodes, tenants: tenantsOf(jobs), policy }).run(jobs);
}

/** Takes the time of a run, and works out its figures. */
export function measure({ name }: QueueScenario, policy: string, run: () => RunRecord): ScenarioResult {
  const startMs = performance.now();
  const record = run();
  const tookS = (performance.now() - startMs) / 1_000;
  const metrics: RunMetrics = metricsOf(record);
  const tenants = Object.fromEntries(metrics.byTenant);
  return { scenario: name, policy, tookS, figures: queueFigures(metrics), tenants };
}
