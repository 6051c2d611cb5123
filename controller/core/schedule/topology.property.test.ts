import fc from "fast-check";
import { expect, test } from "vitest";
import { asTenantId } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { findPlaces } from "./place.ts";

interface Where {
  readonly gpus: number;
  readonly rack: string;
  readonly block: string;
}

/** Three blocks of two racks or more. */
const nodeArbitrary = fc
  .record({ gpus: fc.integer({ min: 1, max: 4 }), rack: fc.integer({ min: 0, max: 6 }) })
  .map(({ gpus, rack }): Where => ({ gpus, rack: `r${rack}`, block: `b${Math.min(2, Math.floor(rack / 2))}` }));

/** Without a bias for what is least and most: it is in the middle that there is something to choose. */
const caseArbitrary = fc.noBias(
  fc.record({
    nodes: fc.array(nodeArbitrary, { minLength: 6, maxLength: 9, size: "max" }),
    perNode: fc.constantFrom(undefined, 1, 2),
    percent: fc.integer({ min: 0, max: 100 }),
  }),
);

/** Nodes, blocks and racks, in the order in which fewer of them matter. */
function countsOf(chosen: readonly Where[]): readonly [number, number, number] {
  return [chosen.length, new Set(chosen.map((it) => it.block)).size, new Set(chosen.map((it) => it.rack)).size];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((count, at) => count !== b[at]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

/** Of all sets of nodes that have enough. */
function fewestCounts(nodes: readonly Where[], gpus: number): readonly number[] {
  const sets = Array.from({ length: 2 ** nodes.length }, (_, mask) => nodes.filter((__, index) => mask & (1 << index)));
  const enough = sets.filter((set) => set.reduce((sum, it) => sum + it.gpus, 0) >= gpus);
  return enough.map(countsOf).sort(compare)[0] ?? [];
}

test("gangs are on as few nodes, of those as few blocks, and of those as few racks as brute force finds, ranks along them", () => {
  let several = 0;
  fc.assert(
    fc.property(caseArbitrary, ({ nodes: drawn, perNode, percent }) => {
      const w = new CoreWorld();
      w.addTenant();
      drawn.forEach(({ gpus, rack, block }, index) => w.addNode(`n${index}`, { gpus, labels: { rack, block } }));
      // To a gang with so many on each node a node gives that or nothing.
      const nodes = drawn.map((it) => (perNode === undefined ? it : { ...it, gpus: it.gpus >= perNode ? perNode : 0 }));
      const unit = perNode ?? 1;
      const most = nodes.reduce((sum, { gpus }) => sum + gpus, 0) / unit;
      if (most < 1) return;
      const gpuCount = unit * Math.max(1, Math.round((percent / 100) * most));
      const each = perNode === undefined ? {} : { gpusPerNode: perNode };
      const spec = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount, gang: true, cpuCores: 1, ...each };
      const kind = w.state.kinds.of({ ...spec, memoryMb: 1 });
      const places = findPlaces(w.state, { kind, at: w.now, until: w.now, jobId: undefined, wasKept: false }) ?? [];
      const chosen = places.flatMap(({ node }) => nodes[Number(node.record.name.slice(1))] ?? []);
      expect(countsOf(chosen)).toEqual(fewestCounts(nodes, gpuCount));
      const racks = chosen.map(({ rack }) => rack);
      expect(racks).toEqual(racks.toSorted());
      several += Number(new Set(racks).size > 1);
    }),
    { numRuns: 2_000 },
  );
  expect(several).toBeGreaterThan(300);
});
