import { expect, test } from "vitest";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { DEFAULT_POLICY, type Policy } from "../model/policy.ts";

const MINUTE = 60_000;

/** One node of four GPUs, two of which are taken for an hour. */
function halfFull(policy: Partial<Policy> = {}): CoreWorld {
  const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, fairShareHalfLifeMs: 0, ...policy } });
  w.addTenant();
  w.addNode("node-1", { gpus: 4 });
  w.begin(w.submit({ gpuCount: 2, maxRuntimeMinutes: 60 }));
  return w;
}

test("a blocked job keeps its place: only what is over by then may pass", () => {
  const w = halfFull();
  const blocked = w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 });
  const long = w.submit({ gpuCount: 1, maxRuntimeMinutes: 61 });
  const short = w.submit({ gpuCount: 1, maxRuntimeMinutes: 60 });
  expect([blocked, long, short].map((id) => w.job(id).phase)).toEqual(["queued", "queued", "starting"]);
  expect(w.state.scheduling.reservations).toMatchObject([{ jobId: blocked, at: w.now + 60 * MINUTE }]);
});

test("what the blocked job does not need may be taken for longer", () => {
  const w = halfFull();
  w.submit({ gpuCount: 3, maxRuntimeMinutes: 10 });
  const [first, second] = [w.submit({ gpuCount: 1 }), w.submit({ gpuCount: 1 })];
  expect([first, second].map((id) => w.job(id).phase)).toEqual(["starting", "queued"]);
});

test("room that was kept for a job is given away as soon as that is cancelled", () => {
  for (const backfill of ["easy", "conservative"] as const) {
    const w = halfFull({ backfill });
    const blocked = w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 });
    const long = w.submit({ gpuCount: 1, maxRuntimeMinutes: 61 });
    expect(w.job(long).phase).toBe("queued");
    w.cancel(blocked);
    expect(w.job(long).phase).toBe("starting");
    expect(w.state.scheduling.reservations).toEqual([]);
  }
});

test("a blocked job of another pool holds nothing that others could use", () => {
  const w = halfFull();
  w.addNode("h100", { gpus: 2, model: "NVIDIA H100" });
  w.begin(w.submit({ gpuCount: 1, gpuModel: "H100", maxRuntimeMinutes: 60 }));
  w.submit({ gpuCount: 2, gpuModel: "H100" });
  const other = w.submit({ gpuCount: 2, gpuModel: "Test" });
  expect(w.job(other).phase).toBe("starting");
  expect(w.job(w.submit({ gpuCount: 0 })).phase).toBe("starting");
  expect(w.job(w.submit({ gpuCount: 1, gpuModel: "H100" })).phase).toBe("queued");
});

test("strict order lets nothing pass, greed lets everything pass", () => {
  for (const [backfill, phase] of [
    ["none", "queued"],
    ["greedy", "starting"],
  ] as const) {
    const w = halfFull({ backfill });
    w.submit({ gpuCount: 4 });
    expect(w.job(w.submit({ gpuCount: 1, maxRuntimeMinutes: 100 })).phase).toBe(phase);
  }
});

test("conservative backfill delays nobody in the queue, where easy looks after the first alone", () => {
  const phaseOfLast = (backfill: Policy["backfill"]) => {
    const w = halfFull({ backfill });
    w.addNode("node-2", { gpus: 2 });
    w.begin(w.submit({ gpuCount: 2, maxRuntimeMinutes: 60 }));
    w.begin(w.submit({ gpuCount: 1, maxRuntimeMinutes: 30 }));
    // The first waits for node-1, the second for node-2.
    w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 });
    w.submit({ gpuCount: 2, maxRuntimeMinutes: 90 });
    return w.job(w.submit({ gpuCount: 1, maxRuntimeMinutes: 45 })).phase;
  };
  expect(phaseOfLast("easy")).toBe("starting");
  expect(phaseOfLast("conservative")).toBe("queued");
});

test("conservative backfill keeps room in the order of the queue, for jobs that are alike and for those between them", () => {
  const w = halfFull({ backfill: "conservative" });
  const alike = { gpuCount: 4, maxRuntimeMinutes: 30 };
  const jobs = [w.submit(alike), w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 }), w.submit(alike)];
  // Room that has grown has everybody looked at anew.
  w.addNode("node-2", { gpus: 1 });
  const [first, between, last] = jobs;
  expect(w.state.scheduling.reservations).toMatchObject([
    { jobId: first, at: w.now + 60 * MINUTE },
    { jobId: between, at: w.now + 90 * MINUTE },
    { jobId: last, at: w.now + 100 * MINUTE },
  ]);
});

test("conservative backfill keeps room at once for who comes behind one that is alike and blocked", () => {
  const w = halfFull({ backfill: "conservative" });
  w.begin(w.submit({ gpuCount: 1, maxRuntimeMinutes: 60 }));
  const alike = { gpuCount: 2, maxRuntimeMinutes: 30 };
  const jobs = [w.submit(alike), w.submit(alike)];
  expect(w.job(w.submit({ gpuCount: 1, maxRuntimeMinutes: 61 })).phase).toBe("queued");
  expect(w.state.scheduling.reservations.slice(0, 2).map(({ jobId }) => jobId)).toEqual(jobs);
});

test("a job that outruns what was expected of it moves the reservation, and the blocked job starts when it does end", () => {
  const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, fairShareHalfLifeMs: 0 } });
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  for (let n = 0; n < 3; n += 1) {
    const id = w.submit({ name: "train" });
    w.begin(id);
    w.advanceHeard(10 * MINUTE);
    w.end(id);
  }
  const runs = w.submit({ name: "train" });
  w.begin(runs);
  expect(w.job(runs).plan).toEqual({ ms: 10 * MINUTE, basis: "history", samples: 3 });
  const startedAt = w.now;
  const waits = w.submit({ gpuCount: 1 });
  expect(w.state.scheduling.reservations).toMatchObject([{ jobId: waits, at: startedAt + 10 * MINUTE }]);
  w.advanceHeard(11 * MINUTE);
  expect(w.state.scheduling.reservations).toMatchObject([{ jobId: waits, at: startedAt + 20 * MINUTE }]);
  w.end(runs);
  expect(w.job(waits).phase).toBe("starting");
});

test("a gang that waits for several nodes is not starved by what fits on one", () => {
  const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, fairShareHalfLifeMs: 0 } });
  w.addTenant();
  w.addNode("node-1", { gpus: 4 });
  w.addNode("node-2", { gpus: 4 });
  const first = w.submit({ gpuCount: 4, maxRuntimeMinutes: 30 });
  const second = w.submit({ gpuCount: 4, maxRuntimeMinutes: 60 });
  for (const id of [first, second]) w.begin(id);
  const gang = w.submit({ gpuCount: 8, gang: true, maxRuntimeMinutes: 60 });
  w.advanceHeard(30 * MINUTE);
  w.end(first);
  expect(w.job(w.submit({ gpuCount: 4, maxRuntimeMinutes: 31 })).phase).toBe("queued");
  const passes = w.submit({ gpuCount: 4, maxRuntimeMinutes: 30 });
  expect(w.job(passes).phase).toBe("starting");
  w.begin(passes);
  w.advanceHeard(30 * MINUTE);
  w.end(second);
  w.end(passes);
  expect(w.job(gang).phase).toBe("starting");
});

test("a job that fits nowhere holds nobody up, and the next one has its place kept instead", () => {
  for (const backfill of ["none", "easy", "conservative"] as const) {
    const w = halfFull({ backfill });
    w.submit({ gpuCount: 8, gang: true });
    const blocked = w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 });
    const long = w.submit({ gpuCount: 1, maxRuntimeMinutes: 61 });
    expect(w.job(long).phase).toBe("queued");
    expect(w.state.scheduling.reservations[0]).toMatchObject({ jobId: blocked, at: w.now + 60 * MINUTE });
  }
});

test("in strict order, too, jobs of another pool may use the same nodes only as long as they delay nobody", () => {
  const w = halfFull({ backfill: "none" });
  const blocked = w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 });
  const long = w.submit({ gpuModel: "test", maxRuntimeMinutes: 61 });
  const short = w.submit({ gpuModel: "gpu", maxRuntimeMinutes: 60 });
  expect([blocked, long, short].map((id) => w.job(id).phase)).toEqual(["queued", "queued", "starting"]);
});
