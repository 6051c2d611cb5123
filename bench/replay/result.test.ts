import { expect, test } from "vitest";
import { metricsOf } from "../../controller/replay/metrics.ts";
import { newRecord } from "../../controller/replay/record.ts";
import { formatResults, queueFigures } from "./result.ts";

test("of jobs that never started no time is shown, and how many there are", () => {
  const job = { name: "a", tenant: "t", submitMs: 0, runMs: 1, spec: { name: "job", gpuCount: 1 } };
  const run = { nodes: [{ name: "a", gpus: 1, gpuModel: "GPU" }], jobs: [newRecord(job), newRecord(job)] };
  const figures = queueFigures(metricsOf(run));
  const text = formatResults([{ scenario: "s", policy: "p", tookS: 0, figures }]);
  const [names = [], cells = []] = text.split("\n").map((line) => line.split(/ {2,}/).map((cell) => cell.trim()));
  const shown = Object.fromEntries(names.map((name, index) => [name, cells[index]]));
  expect(shown).toMatchObject({ policy: "p", "wait s": "-", "p99 s": "-", "completion s": "-", slowdown: "-" });
  expect(shown).toMatchObject({ "wait 1 s": "-", "util %": "0", unstarted: "2" });
  expect(shown["max 32+ s"]).toBeUndefined();
});

test("columns that only some rows have are empty in the others, and large numbers are grouped", () => {
  const row = (policy: string, figures: Record<string, number>) => ({ scenario: "s", policy, tookS: 1, figures });
  expect(formatResults([row("a", { x: 1234.5 }), row("longer", { y: 0.125 })])).toBe(
    ["policy      x     y  took s", "a       1,235             1", "longer         0.13       1"].join("\n"),
  );
});
