import { closeSync, openSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf } from "../../base/errors.ts";
import { UsageError } from "../../base/options.ts";
import { type Policies, readPolicies } from "../../program/policy-file.ts";

/** The named benchmarks. */
const SCENARIOS = ["saturation", "kth", "kth-logged", "itp", "fairness", "preemption", "forecast"] as const;
type Scenario = (typeof SCENARIOS)[number];

/** A trace of the user's own. */
export interface Custom {
  readonly jobs: string;
  /** A file of hosts, or `NxG`: N nodes of G GPUs. */
  readonly nodes: string;
  /** Whether jobs run at most for what was requested. */
  readonly limits: "requested" | "none";
}

/** What the command line asks for. */
export interface Options {
  readonly traces: string | undefined;
  readonly custom: Custom | undefined;
  readonly has: (scenario: Scenario) => boolean;
  /** Whether forecasts are to be measured on the user's own trace, instead of policies. */
  readonly measuresForecasts: boolean;
  /** The production core's, with the user's own. */
  readonly core: Policies;
  /** Beginnings of the names of wanted policies; none is all. */
  readonly policies: readonly string[];
  /** Variants of the trace of pods. */
  readonly pods: readonly string[];
  readonly seeds: number;
  readonly permutesNodes: boolean;
  readonly json: string | undefined;
}

const USAGE = `Usage: npm run bench:replay -- --traces DIR [--only NAME]… [--policies FILE] [--policy NAME]… [--pods NAME]… [--seeds N] [--permute-nodes] [--json FILE]
       npm run bench:replay -- --jobs FILE --nodes FILE|NxG [--no-limits] [--policies FILE] [--policy NAME]… [--json FILE]

  --traces DIR     where the traces are; docs/replay.md says which and where they are published
  --only NAME      only this benchmark, may be repeated: ${SCENARIOS.join(", ")}
  --policy NAME    only policies whose names begin so, may be repeated: core, "core: greedy", fifo, easy, fgd, …
  --policies FILE  a YAML file with policies of your own for the production core
  --pods NAME      variant of the trace of pods for saturation, may be repeated (default: default)
  --seeds N        runs of each saturation, of which the mean is shown (default: 10)
  --permute-nodes  saturates the same hosts in another order as well, another one with each seed
  --jobs FILE      a trace of your own, in the same form; with --only forecast, how good forecasts are on it
  --nodes FILE     its hosts, or NxG for N nodes of G GPUs
  --no-limits      requested times are estimates that end no job
  --json FILE      also write the figures there

Ends with code 2 for wrong usage, and 65 if a file cannot be used.`;

/** Reads the command line; says what is wrong and ends the process when it cannot. */
export function readOptions(args: string[]): Options {
  try {
    return parse(args);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function parse(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      traces: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      policies: { type: "string" },
      policy: { type: "string", multiple: true, default: [] },
      pods: { type: "string", multiple: true, default: ["default"] },
      seeds: { type: "string", default: "10" },
      "permute-nodes": { type: "boolean", default: false },
      jobs: { type: "string" },
      nodes: { type: "string" },
      "no-limits": { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const { traces, only, jobs, nodes } = values;
  const unknown = only.find((name) => !SCENARIOS.some((scenario) => scenario === name));
  if (unknown !== undefined) throw new TypeError(`there is no benchmark ${JSON.stringify(unknown)}`);
  if ((jobs === undefined) !== (nodes === undefined)) throw new TypeError("--jobs and --nodes go together");
  if (traces === undefined && jobs === undefined) throw new TypeError("neither --traces nor --jobs is given");
  const seeds = Number(values.seeds);
  if (!Number.isInteger(seeds) || seeds < 1) throw new TypeError("--seeds must be a whole number of at least 1");
  const unmeasured = only.find((name) => name !== "forecast");
  if (traces === undefined && unmeasured !== undefined) throw new TypeError(`--only ${unmeasured} needs --traces`);
  if (values.json !== undefined) checkWritable(values.json);
  const limits = values["no-limits"] ? "none" : "requested";
  return {
    traces,
    custom: jobs !== undefined && nodes !== undefined ? { jobs, nodes, limits } : undefined,
    measuresForecasts: only.includes("forecast"),
    has: (scenario) => only.length === 0 || only.includes(scenario),
    core: readPolicies(values.policies),
    policies: values.policy,
    pods: values.pods,
    seeds,
    permutesNodes: values["permute-nodes"],
    json: values.json,
  };
}

/** So that what took minutes to measure does not end in this. */
function checkWritable(file: string): void {
  try {
    closeSync(openSync(file, "a"));
  } catch (error) {
    throw new TypeError(`--json ${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
