/** A ledger that is older than what nodes run, once a person has accepted that. */
import { expect, test } from "vitest";
import type { JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import type { RowWrite } from "./output.ts";

const LOST_MS = 300_000;

type Saved = ReadonlyMap<string, RowWrite>;

function save(w: CoreWorld): Saved {
  return structuredClone(w.rows);
}

/** The controller starts anew on what was saved. */
function restore(w: CoreWorld, rows: Saved): void {
  w.rows.clear();
  for (const [key, row] of rows) w.rows.set(key, row);
  w.restart();
}

function world(nodes: number): CoreWorld {
  const w = new CoreWorld({ waitsForNodes: true });
  w.addTenant();
  for (let n = 1; n <= nodes; n += 1) w.addNode(`node-${n}`, { gpus: 2 });
  return w;
}

/** A job that waited when the state was saved, and began since. */
function begunSince(w: CoreWorld, gang: boolean): { job: JobId; saved: Saved } {
  const filler = w.submit({ gpuCount: 4, gang: true });
  w.beginAll(filler);
  const job = w.submit(gang ? { gpuCount: 4, gang: true } : { gpuCount: 1 });
  const saved = save(w);
  for (const { rank } of w.job(filler).allocations) w.end(filler, 0, rank);
  w.beginAll(job);
  return { job, saved };
}

test.each([false, true])(
  "a later attempt than the ledger knows goes on, and its job is not tried again (gang: %s)",
  (gang) => {
    const w = world(2);
    const { job, saved } = begunSince(w, gang);
    const runs = [...w.nodes.values()].flatMap((node) => [...node.running.keys()].filter((name) => name.includes(job)));
    expect(runs.length).toBe(gang ? 2 : 1);
    restore(w, saved);
    w.hello("node-1");
    w.hello("node-2");
    expect(w.job(job)).toMatchObject({ phase: "finished", outcome: { kind: "failed" } });
    expect(JSON.stringify(w.job(job).history)).toContain("attempt 1 runs on node node-");
    for (const node of w.nodes.values()) expect([...node.stopping]).toEqual([]);
    const after = [...w.nodes.values()].flatMap((node) =>
      [...node.running.keys()].filter((name) => name.includes(job)),
    );
    expect(after.sort()).toEqual(runs.sort());
    // Its devices are not given to others.
    const other = w.submit({ gpuCount: 4, gang: true });
    expect(w.job(other).phase).toBe("queued");
  },
);

test("nothing is placed before every node has told what runs on it, or is lost", () => {
  const w = world(2);
  const { job, saved } = begunSince(w, false);
  restore(w, saved);
  const next = w.submit();
  const [running] = [...w.nodes.values()].filter((node) => [...node.running.keys()].some((name) => name.includes(job)));
  const other = running?.name === "node-1" ? "node-2" : "node-1";
  w.hello(other);
  expect([w.job(job).phase, w.job(next).phase]).toEqual(["queued", "queued"]);
  w.advanceHeard(LOST_MS);
  expect(w.job(next).phase).toBe("starting");
});
