import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_POLICY, type Policy } from "../../controller/core/model/policy.ts";
import { Output } from "../../controller/core/output.ts";
import { schedule } from "../../controller/core/schedule/pass.ts";
import { CoreWorld } from "../support/core-world.ts";

const submission = fc.record({
  gpuCount: fc.integer({ min: 0, max: 6 }),
  gang: fc.boolean(),
  cpuCores: fc.integer({ min: 1, max: 8 }),
  maxRuntimeMinutes: fc.constantFrom(5, 10, 60, 600),
  gpuModel: fc.constantFrom(undefined, "A100", "H100"),
  priority: fc.constantFrom(100, 500, 1_000),
  shares: fc.boolean(),
});
const action = fc.oneof(
  { weight: 4, arbitrary: submission.map((job) => ({ kind: "submit" as const, job })) },
  { weight: 2, arbitrary: fc.nat().map((job) => ({ kind: "end" as const, job })) },
  { weight: 1, arbitrary: fc.nat().map((job) => ({ kind: "cancel" as const, job })) },
  { weight: 1, arbitrary: fc.constantFrom(60_000, 600_000).map((ms) => ({ kind: "advance" as const, ms })) },
);

test.each(["greedy", "easy", "conservative", "none"] satisfies Policy["backfill"][])(
  "%s: looking only at what is new misses nothing that looking at everything would start",
  (backfill) => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, backfill, fairShareHalfLifeMs: 0 } });
        w.addTenant();
        w.addNode("a", { gpus: 4, cpuCores: 16, model: "A100", allowsSharing: true });
        w.addNode("b", { gpus: 4, cpuCores: 16, model: "H100" });
        for (const step of actions) {
          perform(w, step);
          for (const job of [...w.state.alive()]) if (job.phase === "starting") beginAll(w, job.id);
          expect(startedByWholePass(w)).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  },
);

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

function perform(w: CoreWorld, step: Action): void {
  if (step.kind === "submit") {
    const { shares, gpuModel, ...job } = step.job;
    const share = shares && job.gpuCount === 1 ? { gpuMilli: 300 } : {};
    const model = gpuModel === undefined ? {} : { gpuModel };
    w.trySubmit({ ...job, ...share, ...model, gang: job.gang && job.gpuCount > 0 });
  } else if (step.kind === "advance") w.advanceHeard(step.ms);
  else if (step.kind === "cancel") {
    const waiting = [...w.state.alive()].filter((job) => job.phase === "queued");
    const job = waiting[step.job % Math.max(1, waiting.length)];
    if (job) w.cancel(job.id);
  } else {
    const running = [...w.state.alive()].filter((job) => job.phase === "running");
    const job = running[step.job % Math.max(1, running.length)];
    for (const { rank } of job?.allocations ?? []) if (job) w.end(job.id, 0, rank);
  }
}

function beginAll(w: CoreWorld, id: Parameters<CoreWorld["begin"]>[0]): void {
  for (const { rank } of w.job(id).allocations) w.begin(id, rank);
}

function startedByWholePass(w: CoreWorld): readonly string[] {
  const out = new Output();
  w.state.grow();
  schedule(w.state, out, w.now);
  return out.effects.flatMap((effect) => (effect.kind === "launch" ? [effect.job.id] : []));
}
