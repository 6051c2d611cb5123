/** `npm run chaos -- --minutes N`: a whole cluster of real processes, what goes wrong with it, and what must hold all the same. */
import { messageOf } from "../../base/errors.ts";
import { runFigures } from "./figures/figures.ts";
import { faultsNamed } from "./nemesis/faults.ts";
import { type Options, readOptions } from "./options.ts";
import { runScenario } from "./scenario.ts";
import { runInSandbox, sandboxProblem } from "./world/sandbox.ts";

/** Said by this program to itself: it is in namespaces of its own. */
const INSIDE = "--inside";

const [first, ...rest] = process.argv.slice(2);
try {
  if (first === INSIDE) process.exit(await run(readOptions(rest), true));
  const args = process.argv.slice(2);
  // A mistake in them is told before anything is made.
  faultsNamed(readOptions(args).nemesis);
  const problem = sandboxProblem();
  if (problem === undefined) process.exit(await runInSandbox(import.meta.filename, [INSIDE, ...args]));
  console.log(`smaller than it could be, without hosts of their own and without partitions: ${problem}`);
  process.exit(await run(readOptions(args), false));
} catch (error) {
  console.error(messageOf(error));
  process.exit(2);
}

function run(options: Options, isInSandbox: boolean): Promise<number> {
  return options.figures === undefined ? runScenario(options, isInSandbox) : runFigures(options, isInSandbox);
}
