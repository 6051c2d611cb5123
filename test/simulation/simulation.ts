import type { Coverage } from "./coverage.ts";
import type { Condition, FaultKind } from "./faults.ts";
import { checkConvergence, CONVERGENCE_MS, unfinished } from "./liveness.ts";
import { Nemesis } from "./nemesis.ts";
import { useVirtualTimers } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { SETTINGS, World } from "./world.ts";

const SAFETY_MS = { least: 150_000, most: 420_000 };
/** Until all that fits must have ended: what is held for a retry comes back within five minutes. */
const DRAIN_MS = 1_800_000;
const LOOK_EVERY_MS = 5_000;

export interface SimulationOptions {
  /** Takes the trace, line by line. */
  readonly print?: ((line: string) => void) | undefined;
  /** Faults that are not left to chance. */
  readonly always?: readonly (FaultKind | Condition)[] | undefined;
}

/** What came of a seed. */
export interface Result {
  readonly seed: number;
  /** Equal for equal runs. */
  readonly hash: string;
  /** What should not have happened, the first first; empty when all is well. */
  readonly violations: readonly string[];
  readonly coverage: Coverage;
  readonly events: number;
  readonly simulatedMs: number;
}

/** Runs one world from its seed: first with faults, to see that nothing forbidden happens; then without, to see that all gets done. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Result> {
  const trace = new Trace(options.print);
  const world = new World(seed, trace, options.always);
  const undo = useVirtualTimers(world.timeline);
  try {
    await run(world);
  } catch (error) {
    world.violate(`the simulator itself failed: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    undo();
  }
  const { timeline, violations, coverage } = world;
  return { seed, hash: trace.hash, violations, coverage, events: timeline.events, simulatedMs: timeline.now };
}

async function run(world: World): Promise<void> {
  const { timeline, violations, trace } = world;
  const isBroken = () => violations.length > 0;
  void new Nemesis(world);
  world.lookAround();
  await timeline.runUntil(world.random.between(SAFETY_MS.least, SAFETY_MS.most), isBroken);
  if (isBroken()) return;
  world.heal();
  trace.note(timeline.now, "world", () => "all faults are over");
  await timeline.runUntil(timeline.now + SETTINGS.nodeLostAfterMs + CONVERGENCE_MS, isBroken);
  if (!isBroken()) checkConvergence(world);
  const endMs = timeline.now + DRAIN_MS;
  while (!isBroken() && timeline.now < endMs && unfinished(world).length > 0) {
    await timeline.runUntil(timeline.now + LOOK_EVERY_MS, isBroken);
  }
  for (const job of isBroken() ? [] : unfinished(world)) {
    world.violate(`${job.id} is still ${job.phase}: ${JSON.stringify(job.history.at(-1))}`);
  }
  if (isBroken()) return;
  await timeline.runUntil(timeline.now + LOOK_EVERY_MS, isBroken);
  world.clients.check();
}
