import { expect, test } from "vitest";
import { asNodeName, type JobId } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";

function running(): { w: CoreWorld; id: JobId } {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1");
  const id = w.submit();
  w.begin(id);
  return { w, id };
}

function seen(w: CoreWorld, id: JobId, given: { attempt?: number; node?: string; at?: number } = {}) {
  const { attempt = 1, node = "node-1", at = w.now } = given;
  const by = { key: { jobId: id, attempt, rank: 0 }, node: asNodeName(node), at };
  return w.apply({ kind: "checkpoint", jobId: id, seen: by });
}

test("a checkpoint counts for the attempt and the node that it was seen of, and for no other", () => {
  const { w, id } = running();
  expect(seen(w, id, { attempt: 2 })).toMatchObject({ code: "conflict" });
  expect(seen(w, id, { node: "node-2" })).toMatchObject({ code: "conflict" });
  expect(w.job(id).checkpointAt).toBeUndefined();
  w.advanceHeard(60_000);
  expect(seen(w, id, { at: w.now - 1_000 })).toEqual({ jobId: id });
  expect(w.job(id).checkpointAt).toBe(w.now - 1_000);
});

test("an agent's clock is believed only for times at which the job ran", () => {
  const early = running();
  early.w.advanceHeard(60_000);
  seen(early.w, early.id, { at: 1 });
  expect(early.w.job(early.id).checkpointAt).toBe(early.w.now - 60_000);
  const late = running();
  seen(late.w, late.id, { at: late.w.now + 3_600_000 });
  expect(late.w.job(late.id).checkpointAt).toBe(late.w.now);
});
