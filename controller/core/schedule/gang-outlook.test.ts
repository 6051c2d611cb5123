import { expect, test } from "vitest";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { Random } from "../../../test/support/random.ts";
import type { JobIn } from "../model/job.ts";
import type { Kind } from "../model/kind.ts";
import type { State } from "../model/state.ts";
import { divide } from "./place.ts";
import { nodeObstacle, shareOf } from "./filter.ts";
import { Gains } from "./gains.ts";
import { clearReservations, reserve } from "./reservation.ts";
import { canStay, expectedEnd } from "./timeline.ts";

test("gains are summed up as a plain list of them is", () => {
  const random = new Random(1);
  const gains = new Gains();
  const plain: { at: number; gpus: number }[] = [];
  for (let round = 0; round < 6_000; round += 1) {
    const gone =
      round > 4_000 || random.next() < 0.3 ? plain.splice(random.between(0, plain.length - 1), 1)[0] : undefined;
    if (gone) gains.remove(gone.at, gone.gpus);
    const gain = { at: random.between(0, 3_000), gpus: random.between(0, 8) };
    if (!gone) plain.push(gain);
    if (!gone) gains.add(gain.at, gain.gpus);
    if (round % 100 !== 0) continue;
    const times = [...new Set(plain.map(({ at }) => at))].sort((a, b) => a - b);
    expect(Array.from({ length: gains.size }, (_, index) => gains.at(index))).toEqual(times);
    const when = random.between(-1, 3_001);
    const sum = plain.reduce((total, { at, gpus }) => total + (at <= when ? gpus : 0), 0);
    expect(gains.upTo(when)).toBe(sum);
  }
});

/** Looks at every node at every time that halving comes upon. */
function plainOpening(
  state: State,
  { job, kind, durationMs }: { job: JobIn<"queued">; kind: Kind; durationMs: number },
  now: number,
) {
  const { demand } = kind;
  const nodes = state.cluster.nodes.filter((node) => !nodeObstacle(node, demand));
  const ends = nodes.flatMap((node) => [...node.jobs.keys()].map((id) => expectedEnd(state.job(id), now)));
  const times = [...new Set([now, ...ends])].sort((a, b) => a - b);
  const placesAt = (from: number) =>
    nodes.map((node) => {
      let gpus = demand.gpus;
      const stay = { demand, from, until: from + durationMs, jobId: job.id };
      while (gpus > 0 && !canStay(state, node, { ...stay, share: shareOf(demand, gpus) }, now)) gpus -= 1;
      return { node, gpus };
    });
  let low = 0;
  for (let high = times.length; low < high; ) {
    const middle = (low + high) >>> 1;
    const total = placesAt(times[middle] ?? now).reduce((sum, { gpus }) => sum + gpus, 0);
    if (total >= demand.gpus) high = middle;
    else low = middle + 1;
  }
  const at = times[low];
  if (at === undefined) return undefined;
  const taken = divide(
    demand,
    placesAt(at).sort((a, b) => b.gpus - a.gpus),
  ).filter(({ share }) => share.gpus > 0);
  return { at, shares: taken.map(({ node, share }) => ({ node: node.record.name, ...share })) };
}

/** Reserves for all who wait, in the order in which they came; tells how many gangs were compared. */
function compareAll(w: CoreWorld): number {
  const { state } = w;
  clearReservations(state);
  let compared = 0;
  for (const job of state.jobs.values()) {
    if (job.phase !== "queued") continue;
    const blocked = { job, kind: state.kindOf(job.id), durationMs: state.planOf(state.groupOf(job)).ms };
    const { gang, gpusPerNode } = blocked.kind.demand;
    const isPacked = gang && gpusPerNode === undefined;
    const expected = isPacked ? plainOpening(state, blocked, w.now) : undefined;
    const made = reserve(state, blocked, w.now);
    if (!isPacked) continue;
    compared += 1;
    expect(made && { at: made.at, shares: made.shares }).toEqual(expected);
  }
  return compared;
}

test("a gang that may use any split is kept the room that looking at everything finds", () => {
  let compared = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const random = new Random(seed);
    const w = new CoreWorld();
    w.addTenant();
    for (let node = 1; node <= 6; node += 1)
      w.addNode(`node-${node}`, { gpus: random.pick([2, 4, 8]) ?? 8, cpuCores: 16 });
    for (let round = 0; round < 40; round += 1) {
      const act = random.next();
      const running = [...w.state.alive()].filter(({ phase }) => phase === "running");
      const one = random.pick(running);
      if (act < 0.6) {
        const gang = random.next() < 0.4;
        const gpuCount = gang ? random.between(4, 24) : random.between(1, 4);
        const id = w.submit({
          gpuCount,
          gang,
          cpuCores: random.between(0, gpuCount * 2),
          maxRuntimeMinutes: random.between(60, 300),
        });
        if (w.job(id).phase === "starting") w.beginAll(id);
      } else if (act < 0.8 && one) w.stopped(one.id);
      else if (act < 0.85) w.disconnect(`node-${random.between(1, 6)}`);
      else w.hello(`node-${random.between(1, 6)}`);
      w.now += random.between(0, 60_000);
      compared += compareAll(w);
    }
  }
  expect(compared).toBeGreaterThan(1_000);
});

test("what a blocked gang costs when a job ends does not depend on the number of nodes", () => {
  const w = new CoreWorld();
  w.addTenant();
  for (let node = 1; node <= 100; node += 1) w.addNode(`node-${node}`, { gpus: 2 });
  for (let index = 0; index < 200; index += 1) w.beginAll(w.submit({ maxRuntimeMinutes: 10 + index }));
  const gang = w.job(w.submit({ gpuCount: 150, gang: true, cpuCores: 150, maxRuntimeMinutes: 10 })) as JobIn<"queued">;
  const { demand, pool } = w.state.kindOf(gang.id);
  let looks = 0;
  const counted = { ...demand };
  Object.defineProperty(counted, "milli", {
    get: () => {
      looks += 1;
      return demand.milli;
    },
  });
  const blocked = { job: gang, kind: { demand: counted, shape: "counted", pool }, durationMs: 60_000 };
  const lookAgain = () => {
    looks = 0;
    clearReservations(w.state);
    expect(reserve(w.state, blocked, w.now)).toBeDefined();
    return looks;
  };
  expect(lookAgain()).toBeGreaterThan(200);
  const [first] = w.state.cluster.nodes[0]?.jobs.keys() ?? [];
  if (first) w.end(first);
  expect(lookAgain()).toBeLessThan(10);
});
