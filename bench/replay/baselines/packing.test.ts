import { describe, expect, test } from "vitest";
import { fgd } from "./fgd.ts";
import { fits, type PackingNode, packingNode, type Pod, put } from "./packing-cluster.ts";
import { bestFit, clustering, dotProduct, firstFit, packing, type Scorer } from "./packing-scores.ts";

const SCALE = { cpu: 64, milli: 8_000 };
const WHOLE: Pod = { milli: 1_000, gpus: 1, cpu: 1, memoryMb: 1, models: [] };
const HALF: Pod = { ...WHOLE, milli: 500 };

function node(gpus: number, ...pods: Pod[]): PackingNode {
  const empty = packingNode({ name: "n", gpus, gpuModel: "T4", gpuMemoryMb: 1, cpuCores: 64, memoryMb: 64 });
  for (const pod of pods)
    put(
      empty,
      pod,
      empty.free.findIndex((left) => left >= pod.milli),
    );
  return empty;
}

/** Which of the nodes is taken. */
function choose(scorer: Scorer, pod: Pod, nodes: readonly PackingNode[]): number {
  const values = nodes.map((one) => scorer(one, pod).value);
  return values.indexOf(Math.max(...values));
}

describe("a node", () => {
  test("takes only what it has room for", () => {
    const full = node(2, HALF, WHOLE);
    expect(full.free).toEqual([500, 0]);
    expect([HALF, WHOLE, { ...HALF, cpu: 63 }, { ...HALF, models: ["a100"] }].map((pod) => fits(full, pod))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("packers", () => {
  const nodes = [node(4), node(4, WHOLE, WHOLE), node(4, HALF)];

  test("differ in the node that they take", () => {
    expect(choose(firstFit, HALF, nodes)).toBe(0);
    expect(choose(bestFit(SCALE), HALF, nodes)).toBe(1);
    expect(choose(packing, HALF, nodes)).toBe(2);
    expect(choose(clustering(SCALE), HALF, nodes)).toBe(2);
    expect(choose(dotProduct(SCALE), WHOLE, nodes)).toBe(1);
  });

  test("take the tightest device for a share", () => {
    expect(bestFit(SCALE)(node(2, HALF), HALF).device).toBe(0);
  });
});

test("FGD puts a share where it leaves the least that whole jobs cannot use", () => {
  const pairs = Array.from({ length: 9 }, () => ({ ...WHOLE, gpus: 2 }));
  const nodes = [node(2), node(3)];
  // On the first node a pair would no longer fit; on the second it still does.
  expect(choose(fgd([...pairs, HALF]), HALF, nodes)).toBe(1);
  expect(fgd([...pairs, HALF])(node(2, HALF), HALF).device).toBe(0);
});
