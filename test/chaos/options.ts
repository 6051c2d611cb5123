/** What `npm run chaos` is told. */
import { parseArgs } from "node:util";

export interface Options {
  readonly minutes: number;
  readonly seed: number;
  /** Only these faults; all that are possible if there are none. */
  readonly nemesis: readonly string[];
  readonly agents: number;
  /** Docker Engines, each with an agent of its own. */
  readonly engines: number;
  readonly store: "etcd" | "embedded";
  /** What is measured instead of letting faults happen by chance. */
  readonly figures: string | undefined;
  /** How often it is done for that. */
  readonly count: number;
  /** Where everything is left; undefined is a temporary directory, which stays only if something is wrong. */
  readonly directory: string | undefined;
}

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
      nemesis: { type: "string", default: "" },
      agents: { type: "string", default: "20" },
      engines: { type: "string", default: "2" },
      store: { type: "string", default: "etcd" },
      figures: { type: "string" },
      count: { type: "string", default: "50" },
      directory: { type: "string" },
    },
  });
  return {
    minutes: numberOf("minutes", values.minutes),
    seed: numberOf("seed", values.seed),
    nemesis: values.nemesis.split(",").filter(Boolean),
    agents: numberOf("agents", values.agents),
    engines: Number(values.engines),
    store: values.store === "embedded" ? "embedded" : "etcd",
    figures: values.figures,
    count: numberOf("count", values.count),
    directory: values.directory,
  };
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: ${JSON.stringify(text)} is no number above 0`);
  return value;
}
