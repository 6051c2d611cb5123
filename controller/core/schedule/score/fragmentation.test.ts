import fc from "fast-check";
import { expect, test } from "vitest";
import { CoreWorld } from "../../../../test/support/core-world.ts";
import { type Demand, demandOf } from "../../model/job.ts";
import { newDemandMix, countDemand, refreshMix } from "../demand-mix.ts";
import { judge, shareOf } from "../filter.ts";
import { Fragmentation } from "./fragmentation.ts";

const demandArbitrary = fc
  .record({
    gpus: fc.integer({ min: 1, max: 4 }),
    cpuCores: fc.integer({ min: 1, max: 6 }),
    memoryMb: fc.integer({ min: 1, max: 8 }).map((n) => n * 1_000),
    gpuMemoryMb: fc.constantFrom(0, 80_000),
    hasImage: fc.boolean(),
    nodeSelector: fc.constantFrom<Demand["nodeSelector"]>({}, { zone: "a" }),
  })
  .map((fields): Demand => ({ ...demandOf({ tenantId: "tenant-1" as never, name: "j", gpuCount: 1 }), ...fields }));

/** Few values of each, so that many nodes differ in one of them alone. */
const nodeArbitrary = fc.record({
  gpus: fc.constantFrom(3, 4),
  gpuMemoryMb: fc.constantFrom(16_000, 80_000),
  cpuCores: fc.constantFrom(4, 8),
  memoryMb: fc.constantFrom(4_000, 8_000),
  executor: fc.constantFrom("docker" as const, "process" as const),
  labels: fc.constantFrom<Record<string, string>>({}, { zone: "a" }, { zone: "b" }),
});

test("what is remembered of like nodes is what would be worked out for each of them", () => {
  const demands = fc.array(demandArbitrary, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(nodeArbitrary, { minLength: 2, maxLength: 16 }), demands, (nodes, mixed) => {
      const w = new CoreWorld();
      w.addTenant();
      nodes.forEach((options, index) => w.addNode(`n${index}`, options));
      w.submit({ gpuCount: 1, image: "i" });
      const mix = mixed.map((demand, index) => ({ demand, weight: index + 1 }));
      const { likenesses } = w.state.cluster;
      const remembering = new Fragmentation(mix, likenesses);
      for (const demand of mixed) {
        const share = shareOf(demand, demand.gpus);
        for (const node of w.state.nodes.values()) {
          if (judge(node, demand, share).answer !== "fits") continue;
          const anew = new Fragmentation(mix, likenesses).growth(node, demand, share);
          expect(remembering.growth(node, demand, share)).toBe(anew);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("a mix that is drawn anew is another one only if jobs ask for other things than before", () => {
  const mix = newDemandMix();
  const kind = (shape: string) => ({
    demand: demandOf({ tenantId: "t" as never, name: shape, gpuCount: 1 }),
    shape,
    pool: "",
  });
  const [a, b] = [kind("a"), kind("b")];
  countDemand(mix, a, 16);
  expect(refreshMix(mix)).toBe(true);
  countDemand(mix, a, 16);
  expect(refreshMix(mix)).toBe(false);
  countDemand(mix, b, 16);
  expect(refreshMix(mix)).toBe(true);
});
