/** `npm run bench`: measures what the parts can do on this machine, each figure beside the machine's own limit. Asserts nothing. */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchAgent } from "./agent.ts";
import { benchCore } from "./core.ts";
import { benchGateway } from "./gateway.ts";
import { benchIdleAgent } from "./idle-agent.ts";
import { benchLoop } from "./loop.ts";
import { drawPlots } from "./plot.ts";
import { type BenchRow, formatTable, ratioOf } from "./report.ts";
import { benchRpc } from "./rpc.ts";
import { benchStart } from "./start.ts";
import { benchStore } from "./store.ts";
import type { BenchOptions } from "./support/options.ts";

const PARTS: ReadonlyMap<string, (options: BenchOptions) => Promise<BenchRow[]>> = new Map([
  ["core", benchCore],
  ["store", benchStore],
  ["start", benchStart],
  ["loop", benchLoop],
  ["rpc", benchRpc],
  ["gateway", benchGateway],
  ["agent", benchAgent],
  ["idle-agent", benchIdleAgent],
]);

const USAGE = `Usage: npm run bench -- [--quick] [--only NAME]… [--json FILE] [--plots DIR]

  --quick       short measurements: whether everything runs, and the order of magnitude
  --only NAME   only this part, may be repeated: ${[...PARTS.keys()].join(", ")}
  --json FILE   also write the figures and the machine there
  --plots DIR   also draw the cost against the size there, as SVG (core)`;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const { quick, only, json, plots } = readOptions(args);
  const rows: BenchRow[] = [];
  let failures = 0;
  for (const [name, bench] of PARTS) {
    if (only.length > 0 && !only.includes(name)) continue;
    const startMs = performance.now();
    try {
      rows.push(...(await bench({ quick })));
      console.error(`${name}: ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
    } catch (error) {
      failures += 1;
      console.error(`${name} failed:`, error);
    }
  }
  console.log(formatTable(rows));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(toJson(rows, quick), undefined, 2)}\n`);
  if (plots !== undefined) await writePlots(plots, rows);
  return failures === 0 ? 0 : 1;
}

async function writePlots(directory: string, rows: readonly BenchRow[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, svg] of drawPlots(rows.flatMap(({ points }) => points ?? []))) {
    await writeFile(join(directory, `${name}.svg`), svg);
  }
}

interface Options {
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly json: string | undefined;
  readonly plots: string | undefined;
}

function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        json: { type: "string" },
        plots: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    const unknown = values.only.find((name) => !PARTS.has(name));
    if (unknown !== undefined) throw new TypeError(`there is no part ${JSON.stringify(unknown)}`);
    if (!values.help) return { ...values, json: values.json, plots: values.plots };
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function toJson(rows: readonly BenchRow[], quick: boolean): object {
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model ?? "", node: process.version };
  return {
    machine,
    quick,
    rows: rows.map(({ points: _, ...row }) => ({ ...row, ...(row.limit && { ratio: ratioOf(row.value, row.limit) }) })),
  };
}
