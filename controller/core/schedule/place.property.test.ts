import fc from "fast-check";
import { expect, test } from "vitest";
import { asNodeName, asTenantId } from "../../../base/ids.ts";
import { fewestNodes, leastGpuMemory, type Remainder } from "../../../test/support/brute-fit.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { isHeld } from "../model/allocation.ts";
import { demandOf, type JobSpec, WHOLE_DEVICE } from "../model/job.ts";
import { DEFAULT_POLICY, policyNamed } from "../model/policy.ts";
import { findPlaces, holding, type Place } from "./place.ts";
import { findPlacesWithin } from "./place-within.ts";

const LABELS: Record<string, string>[] = [{}, {}, { zone: "a" }, { zone: "a", rack: "r1" }, { rack: "r2", block: "b" }];

const nodeArbitrary = fc.record({
  gpus: fc.constantFrom(0, 1, 2, 3, 4, 4),
  gpuMemoryMb: fc.constantFrom(16_000, 80_000),
  /** Of the second device: few nodes have GPUs of several sizes, and those are the hard ones. */
  otherMemoryMb: fc.constantFrom(undefined, undefined, 24_000),
  model: fc.constantFrom("NVIDIA A100", "NVIDIA H100"),
  cpuCores: fc.integer({ min: 2, max: 16 }),
  memoryMb: fc.integer({ min: 2, max: 16 }).map((n) => n * 1_000),
  labels: fc.constantFrom(...LABELS),
  executor: fc.constantFrom("process" as const, "process" as const, "docker" as const),
  allowsSharing: fc.constantFrom(true, true, false),
  condition: fc.oneof(
    { weight: 12, arbitrary: fc.constant("well" as const) },
    { weight: 5, arbitrary: fc.constantFrom("gone", "silent", "cordoned", "executor down", "hot") },
  ),
});

const specArbitrary = fc
  .record({
    shape: fc.constantFrom("one", "packed", "spread", "part"),
    gpuCount: fc.integer({ min: 0, max: 9 }),
    perNode: fc.integer({ min: 1, max: 4 }),
    milli: fc.constantFrom(200, 500, 700, 1_000),
    gpuMemoryMb: fc.constantFrom(undefined, undefined, 80_000),
    gpuModel: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, "h100", "H100| a100"),
    zone: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, "a"),
    cpuCores: fc.integer({ min: 1, max: 8 }),
    memoryMb: fc.integer({ min: 1, max: 4_000 }),
    image: fc.constantFrom(undefined, "image", "image", "image"),
  })
  .map(({ shape, gpuCount, perNode, milli, zone, ...wishes }): JobSpec => {
    const shapes = {
      one: { gpuCount },
      part: { gpuCount: 1, gpuMilli: milli },
      packed: { gpuCount, gang: gpuCount > 0 },
      spread: { gpuCount: perNode * Math.max(1, Math.min(gpuCount, 6)), gang: true, gpusPerNode: perNode },
    };
    const given = Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
    const selector = zone === undefined ? {} : { nodeSelector: { zone } };
    return { tenantId: asTenantId("tenant-1"), name: "job", ...given, ...selector, ...shapes[shape] };
  });

const caseArbitrary = fc.record({
  nodes: fc.array(nodeArbitrary, { minLength: 1, maxLength: 6, size: "max" }),
  running: fc.array(specArbitrary, { maxLength: 3 }),
  wanted: specArbitrary,
  /** What the tenant may hold of GPU memory, beyond the least that the job can hold. */
  slackMb: fc.constantFrom(-1, 0, 0, 8_000),
  policy: fc.constantFrom(DEFAULT_POLICY, policyNamed("best-fit"), policyNamed("first-fit")),
});
type Case = typeof caseArbitrary extends fc.Arbitrary<infer C> ? C : never;

/** Some of the room is taken, and then some of the nodes fall ill. */
function build({ nodes, running, policy }: Case): CoreWorld {
  const w = new CoreWorld({ policy });
  w.addTenant();
  nodes.forEach(({ otherMemoryMb, ...options }, index) => {
    const name = `n${index}`;
    const { inventory } = w.addNode(name, options);
    const devices = inventory.devices.map((device, place) =>
      place === 1 ? { ...device, memoryMb: otherMemoryMb ?? device.memoryMb } : device,
    );
    w.nodes.set(name, { ...w.node(name), inventory: { ...inventory, devices } });
    w.hello(name);
  });
  for (const spec of running) {
    const id = w.submit(spec);
    if (w.job(id).phase === "queued") w.cancel(id);
  }
  for (const [index, { condition }] of nodes.entries()) fallIll(w, `n${index}`, condition);
  return w;
}

function fallIll(w: CoreWorld, name: string, condition: Case["nodes"][number]["condition"]): void {
  const { session = 0, inventory } = w.node(name);
  const node = w.state.nodes.get(asNodeName(name));
  if (condition === "gone") w.disconnect(name);
  if (condition === "silent" && node) node.reach = "unreachable";
  if (condition === "cordoned" && node)
    node.record = { ...node.record, cordon: { at: 0, by: "ann", reason: "repair" } };
  const hottest = condition === "hot" ? inventory.devices.slice(0, 1) : [];
  const telemetry = hottest.map(({ id }) => ({ id, isThrottling: true }));
  const executor = { ready: condition !== "executor down", message: "" };
  if (condition === "hot" || condition === "executor down")
    w.apply({ kind: "node-heartbeat", session, node: asNodeName(name), sequence: 2, executor, telemetry });
  else if (node) w.state.touch(node);
}

/** What is left of every node, counted from the jobs. */
function remainders(w: CoreWorld, { nodes }: Case): readonly Remainder[] {
  return nodes.map(({ condition }, index) => {
    const { inventory, name } = w.node(`n${index}`);
    const held = [...w.state.alive()].flatMap(({ allocations }) =>
      allocations.filter((allocation) => isHeld(allocation) && allocation.node === name),
    );
    const sum = (of: (allocation: (typeof held)[number]) => number) => held.reduce((all, one) => all + of(one), 0);
    return {
      ...inventory,
      allowsSharing: inventory.allowsSharing ?? false,
      devices: inventory.devices.map(({ id, model, memoryMb }, place) => {
        const taken = sum(({ devices, milli = WHOLE_DEVICE }) => (devices.includes(id) ? milli : 0));
        return { model, memoryMb, freeMilli: condition === "hot" && place === 0 ? 0 : WHOLE_DEVICE - taken };
      }),
      cpuCores: inventory.cpuCores - sum(({ cpuCores }) => cpuCores),
      memoryMb: inventory.memoryMb - sum(({ memoryMb }) => memoryMb),
      takesWork: condition === "well" || condition === "hot",
    };
  });
}

/** That the places are what was asked, each on a node that has it. */
function check(places: readonly Place[], spec: JobSpec, nodes: readonly Remainder[]): void {
  expect(new Set(places.map(({ node }) => node)).size).toBe(places.length);
  expect(places.reduce((sum, { devices }) => sum + devices.length, 0)).toBe(spec.gpuCount);
  for (const { node, devices, share } of places) {
    if (spec.gpusPerNode !== undefined) expect(devices).toHaveLength(spec.gpusPerNode);
    expect(new Set(devices).size).toBe(devices.length);
    const left = nodes[Number(node.record.name.slice(1))];
    // Alone on that node, with as many GPUs and its part of the rest, it must fit by brute force as well.
    const part = { ...spec, ...share, gpuCount: devices.length, gang: false };
    const own = left?.devices.filter((_, index) =>
      devices.some(({ id }) => id === node.record.inventory.devices[index]?.id),
    );
    expect(left && fewestNodes([{ ...left, devices: own ?? [] }], part)).toBe(1);
  }
}

test("whatever brute force places is placed, on as few nodes, whatever is taken and whoever is ill", () => {
  const found = { all: 0, none: 0, gangs: 0, parts: 0 };
  fc.assert(
    fc.property(caseArbitrary, (given) => {
      const w = build(given);
      const nodes = remainders(w, given);
      const demand = demandOf(given.wanted);
      const kind = w.state.kinds.of(given.wanted);
      expect(kind.demand).toEqual(demand);
      const places = findPlaces(w.state, { kind, at: w.now, until: w.now, jobId: undefined, wasKept: false });
      expect(places?.length).toBe(fewestNodes(nodes, given.wanted));
      if (places) check(places, given.wanted, nodes);
      found.all += Number(places !== undefined);
      found.none += Number(places === undefined);
      found.gangs += Number((places?.length ?? 0) > 1);
      found.parts += Number(places !== undefined && demand.milli < WHOLE_DEVICE);
    }),
    { numRuns: 2_000 },
  );
  // It must have been asked enough.
  for (const count of Object.values(found)) expect(count).toBeGreaterThan(15);
});

test("whatever brute force places within a tenant's quota of GPU memory is placed within it", () => {
  const found = { within: 0, beyond: 0, saved: 0, gangs: 0, parts: 0 };
  fc.assert(
    fc.property(caseArbitrary, (drawn) => {
      const { gpuMemoryMb: _, gpuModel: __, ...wanted } = drawn.wanted;
      const given = { ...drawn, wanted };
      const w = build(given);
      const nodes = remainders(w, given);
      const kind = w.state.kinds.of(given.wanted);
      const mostMb = (leastGpuMemory(nodes, given.wanted) ?? 0) + given.slackMb;
      const placing = () => ({ kind, at: w.now, until: w.now, jobId: undefined, wasKept: false });
      const usual = findPlaces(w.state, placing());
      const places = findPlacesWithin(w.state, placing(), mostMb);
      expect(places === undefined).toBe(usual === undefined);
      if (!usual || !places) return;
      check(places, given.wanted, nodes);
      const memoryOf = (chosen: readonly Place[]) => holding(chosen, kind.demand).gpuMemoryMb;
      const isWithin = memoryOf(places) <= mostMb;
      expect(isWithin).toBe(given.slackMb >= 0);
      if (memoryOf(usual) <= mostMb) expect(places).toEqual(usual);
      found.within += Number(isWithin);
      found.beyond += Number(!isWithin);
      const isSaved = isWithin && memoryOf(usual) > mostMb;
      found.saved += Number(isSaved);
      found.gangs += Number(isSaved && places.length > 1);
      found.parts += Number(isSaved && kind.demand.milli < WHOLE_DEVICE);
    }),
    { numRuns: 9_000 },
  );
  for (const count of Object.values(found)) expect(count).toBeGreaterThan(5);
});
