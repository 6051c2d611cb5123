import { expect, test } from "vitest";
import { asTenantId, type JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { type DryRun, dryRun } from "./dry-run.ts";
import type { JobSpec } from "./model/job.ts";
import { Outlook } from "./outlook.ts";
import { atOnce } from "./slices.ts";

const MINUTE = 60_000;

function world(gpus = 2): CoreWorld {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpus: 4 } });
  w.addNode("node-1", { gpus });
  return w;
}

function tryOut(w: CoreWorld, spec: Partial<JobSpec> = {}, count?: number): DryRun {
  const full = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1, ...spec };
  const before = JSON.stringify([...w.state.jobs, ...w.state.specs, ...w.state.usage]);
  const trial = { spec: full, ...(count === undefined ? {} : { count }) };
  const run = atOnce(dryRun(w.state, trial, new Outlook(w.state, w.now)));
  expect(JSON.stringify([...w.state.jobs, ...w.state.specs, ...w.state.usage])).toBe(before);
  return run;
}

test("a job that fits would start at once, and does", () => {
  const w = world();
  expect(tryOut(w, { gpuCount: 2 })).toMatchObject({
    kind: "accepted",
    startsAt: w.now,
    explanation: { blockers: [] },
  });
  expect(w.job(w.submit({ gpuCount: 2 })).phase).toBe("starting");
});

test("what a submission would be refused for, a dry run is refused for", () => {
  const w = world();
  const refused = tryOut(w, { gpuCount: 5 });
  expect(refused).toMatchObject({ kind: "refused", refusal: { code: "forbidden", message: "Tenant quota exceeded" } });
  expect(tryOut(w, { tenantId: asTenantId("tenant-none") })).toMatchObject({ refusal: { code: "not_found" } });
  expect(tryOut(w, { dependsOn: ["job-1" as JobId] })).toMatchObject({ refusal: { code: "invalid" } });
});

test("a job that does not fit would start when the one before it ends, and really does", () => {
  const w = world(1);
  const first = w.submit({ maxRuntimeMinutes: 10 });
  w.begin(first);
  const ahead = w.submit({ maxRuntimeMinutes: 5 });
  const run = tryOut(w);
  expect(run).toMatchObject({
    kind: "accepted",
    job: { phase: "queued" },
    queuePosition: 2,
    startsAt: w.now + 15 * MINUTE,
    explanation: { blockers: [{ kind: "resources", gpusWanted: 1, gpusFree: 0, gpusSuitable: 1 }] },
  });
  const real = w.submit();
  w.advanceHeard(10 * MINUTE);
  w.end(first, 143);
  w.begin(ahead);
  w.advanceHeard(5 * MINUTE);
  w.end(ahead, 143);
  expect(w.job(real).phase).toBe("starting");
});

test("start times and dependencies count, also on jobs that have ended", () => {
  const w = world();
  const at = w.now + 30 * MINUTE;
  expect(tryOut(w, { notBefore: at })).toMatchObject({ job: { phase: "held" }, startsAt: at });
  const first = w.submit({ maxRuntimeMinutes: 10 });
  w.begin(first);
  expect(tryOut(w, { dependsOn: [first] })).toMatchObject({
    startsAt: w.now + 10 * MINUTE,
    explanation: { blockers: [{ kind: "hold", hold: { kind: "dependencies", on: [first] } }] },
  });
  w.end(first);
  expect(tryOut(w, { dependsOn: [first] })).toMatchObject({ startsAt: w.now });
  const failed = w.submit();
  w.begin(failed);
  w.end(failed, 1);
  expect(tryOut(w, { dependsOn: [failed] })).toMatchObject({ job: { phase: "finished" }, startsAt: undefined });
});

test("an array is tried as a whole and told of by its first job", () => {
  expect(tryOut(world(), {}, 10)).toMatchObject({ kind: "accepted", job: { array: { index: 0 } } });
});

test("with too many jobs to look ahead it still says whether the job would be accepted", () => {
  const w = world(1);
  const first = w.submit();
  w.apply({ kind: "submit-job", spec: w.state.spec(first), count: 20_002 });
  expect(tryOut(w, { dependsOn: [first] })).toMatchObject({
    kind: "accepted",
    explanation: undefined,
    startsAt: undefined,
  });
  expect(tryOut(w, { gpuCount: 5 })).toMatchObject({ kind: "refused" });
}, 60_000);

test("a job that asks for far more of a host than any has is told how much would do", () => {
  const w = world(1);
  const [cores, memory] = [tryOut(w, { cpuCores: 1_000 }), tryOut(w, { memoryMb: 2_000_000_000 })];
  expect(cores).toMatchObject({ explanation: { counterfactuals: { found: [{ change: { cpuCores: 64 } }] } } });
  expect(memory).toMatchObject({ explanation: { counterfactuals: { found: [{ change: { memoryMb: 512_000 } }] } } });
});

test("a job that goes over its tenant's budget is told with which limit it would not", () => {
  const w = world(2);
  w.addTenant("thrifty", { gpuHoursBudget: 1.5 });
  const thrifty = { tenantId: "thrifty" as never };
  w.begin(w.submit({ ...thrifty, maxRuntimeMinutes: 30 }));
  const counterfactuals = { found: [{ change: { maxRuntimeMinutes: 60 }, startsAt: w.now }] };
  expect(tryOut(w, thrifty)).toMatchObject({ explanation: { blockers: [{ kind: "budget" }], counterfactuals } });
  expect(tryOut(w, { ...thrifty, maxRuntimeMinutes: 60 })).toMatchObject({ startsAt: w.now });
});

test("a job is told the limit with which it would be gone before a reservation, also where room comes only later", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 4 });
  w.begin(w.submit({ gpuCount: 3, maxRuntimeMinutes: 60 }));
  const small = w.submit({ maxRuntimeMinutes: 20 });
  w.submit({ gpuCount: 4, maxRuntimeMinutes: 10 });
  expect(w.job(small).phase).toBe("starting");
  w.begin(small);
  const found = [{ change: { maxRuntimeMinutes: 40 }, startsAt: w.now + 20 * MINUTE }];
  expect(tryOut(w, { maxRuntimeMinutes: 90 })).toMatchObject({ explanation: { counterfactuals: { found } } });
  expect(tryOut(w, { maxRuntimeMinutes: 40 })).toMatchObject({ startsAt: w.now + 20 * MINUTE });
});
