/** `npm run crash-points -- --points N`: faults at so many system calls of the embedded store, and what is left after each. */
import { parseArgs } from "node:util";
import { CrashPoints } from "./crash-point.ts";
import { runPoints } from "./spread.ts";

const BATCHES = 40;

const { values } = parseArgs({ options: { points: { type: "string", default: "60" } } });
const startMs = performance.now();
const crashPoints = new CrashPoints(BATCHES);
try {
  await crashPoints.prepare();
  const { points, calls, problems } = await runPoints(crashPoints, Number(values.points));
  for (const problem of problems) console.log(problem);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
  console.log(`${points} crash points of ${calls} calls, ${problems.length} with something wrong, in ${seconds} s`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  crashPoints.close();
}
