import { expect, test } from "vitest";
import { RequestError } from "../../../base/errors.ts";
import { asNodeName } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";

const HOUR_MS = 3_600_000;

function world(nodes: number): CoreWorld {
  const made = new CoreWorld();
  made.addTenant();
  for (let n = 1; n <= nodes; n++) made.addNode(`node-${n}`, { gpus: 2 });
  return made;
}

function cordon(w: CoreWorld, node: string, drainMs?: number) {
  const drain = drainMs === undefined ? {} : { drainMs };
  return w.apply({ kind: "cordon-node", node: asNodeName(node), by: "ann", reason: "its fan", ...drain });
}

const uncordon = (w: CoreWorld, node: string) => w.apply({ kind: "uncordon-node", node: asNodeName(node) });

test("a cordoned node gets no new jobs, what runs there goes on, and uncordoned it is as before", () => {
  const w = world(1);
  const runs = w.submit();
  w.begin(runs);
  expect(cordon(w, "node-1")).toEqual({ affected: [runs] });
  const waits = w.submit();
  w.advanceHeard(HOUR_MS);
  expect([w.job(runs).phase, w.job(waits).phase]).toEqual(["running", "queued"]);
  expect(uncordon(w, "node-1")).toEqual({ affected: [runs] });
  expect(w.job(waits).phase).toBe("starting");
  expect(w.state.nodes.get(asNodeName("node-1"))?.record.cordon).toBeUndefined();
});

test("a cordon lasts: over a Hello, over another leader, whatever the node says", () => {
  const w = world(1);
  cordon(w, "node-1");
  w.restart();
  w.addNode("node-1", { gpus: 2 });
  const waits = w.submit();
  expect(w.job(waits).phase).toBe("queued");
  expect(w.state.nodes.get(asNodeName("node-1"))?.record.cordon).toMatchObject({ by: "ann", reason: "its fan" });
});

test("what runs at a drain's end is stopped and queues again elsewhere, whole gangs too; who asked to be cancelled is", () => {
  const w = world(3);
  const alone = w.submit({ gpuCount: 2 });
  w.begin(alone);
  const node = w.job(alone).allocations[0]?.node ?? "";
  cordon(w, node, HOUR_MS);
  w.advanceHeard(HOUR_MS - 1);
  expect(w.job(alone).phase).toBe("running");
  w.advanceHeard(1);
  const message = `node ${node} is drained by ann: its fan`;
  expect(w.job(alone)).toMatchObject({ phase: "stopping", verdict: { kind: "preempt", message } });
  w.end(alone, 143);
  expect(w.job(alone)).toMatchObject({ phase: "starting", attempt: 2, retries: 0 });
  expect(w.job(alone).allocations[0]?.node).not.toBe(node);

  const gang = w.submit({ gpuCount: 2, gang: true, gpusPerNode: 2, onPreempt: "cancel" });
  w.beginAll(gang);
  cordon(w, w.job(gang).allocations[0]?.node ?? "", 0);
  w.advanceHeard(1);
  expect(w.job(gang)).toMatchObject({ phase: "stopping", verdict: { kind: "preempted" } });
});

test("what has not begun to run at a drain's end leaves as well, and what was being cancelled still is", () => {
  const w = world(1);
  const [begins, cancelled] = [w.submit(), w.submit()];
  w.begin(cancelled);
  w.cancel(cancelled);
  cordon(w, "node-1", 1_000);
  w.advanceHeard(1_000);
  expect(w.job(begins)).toMatchObject({ phase: "stopping", verdict: { kind: "preempt" } });
  expect(w.job(cancelled)).toMatchObject({ phase: "stopping", verdict: { kind: "cancelled" } });
});

test("a drain goes on with another leader, and ends when the node is uncordoned or merely cordoned", () => {
  const w = world(1);
  const id = w.submit();
  w.begin(id);
  cordon(w, "node-1", HOUR_MS);
  w.restart();
  w.advanceHeard(HOUR_MS - 1);
  expect(w.job(id).phase).toBe("running");
  cordon(w, "node-1");
  w.advanceHeard(HOUR_MS);
  expect(w.job(id).phase).toBe("running");
  cordon(w, "node-1", HOUR_MS);
  uncordon(w, "node-1");
  w.advanceHeard(2 * HOUR_MS);
  expect(w.job(id).phase).toBe("running");
  cordon(w, "node-1", HOUR_MS);
  w.restart();
  w.advance(HOUR_MS);
  expect(w.job(id).phase).toBe("stopping");
});

test("a node that is not there cannot be cordoned; uncordoning one that is not cordoned changes nothing", () => {
  const w = world(1);
  for (const answer of [cordon(w, "node-9"), uncordon(w, "node-9")]) {
    expect(answer).toBeInstanceOf(RequestError);
    expect(answer).toMatchObject({ code: "not_found", message: "Node not found" });
  }
  expect(uncordon(w, "node-1")).toEqual({ affected: [] });
});

test("what has to leave a node that is silent, or lost, leaves when it is back, or when its host is said to be off", () => {
  const w = world(2);
  const [back, off] = [w.submit({ gpuCount: 2, onNodeLost: "wait" }), w.submit({ gpuCount: 2, onNodeLost: "wait" })];
  for (const id of [back, off]) w.begin(id);
  for (const id of [back, off]) {
    const node = w.job(id).allocations[0]?.node ?? "";
    w.disconnect(node);
    cordon(w, node, 60_000);
  }
  w.advance(HOUR_MS);
  expect([back, off].map((id) => w.job(id).phase)).toEqual(["stopping", "stopping"]);
  // Drained once more, nothing is said twice.
  const history = w.job(back).history.length;
  cordon(w, "node-1", 0);
  cordon(w, "node-2", 0);
  w.advance(1);
  expect(w.job(back).history).toHaveLength(history);

  const node = w.job(back).allocations[0]?.node ?? "";
  w.hello(node);
  expect(w.node(node).stopping.size).toBe(1);
  w.stopped(back);
  expect(w.job(back)).toMatchObject({ phase: "queued", attempt: 1 });
  const dead = asNodeName(w.job(off).allocations[0]?.node ?? "");
  w.apply({ kind: "confirm-node-dead", node: dead, by: "ann", reason: "it burns" });
  expect(w.job(off)).toMatchObject({ phase: "queued", attempt: 1 });
  uncordon(w, node);
  w.prove(node);
  expect(w.job(back).phase).toBe("starting");
});

test("a gang of which two nodes are drained leaves once, at the first of the two deadlines", () => {
  const w = world(3);
  const id = w.submit({ gpuCount: 4, gang: true, gpusPerNode: 2 });
  w.beginAll(id);
  const [first = "", second = ""] = w.job(id).allocations.map(({ node }) => node);
  cordon(w, first, HOUR_MS);
  cordon(w, second, HOUR_MS / 2);
  w.advanceHeard(HOUR_MS / 2);
  expect(w.job(id)).toMatchObject({ phase: "stopping", verdict: { kind: "preempt" } });
  w.advanceHeard(HOUR_MS / 2);
  expect(w.job(id).history.filter(({ kind }) => kind === "stopping")).toHaveLength(1);
  w.stopped(id);
  expect(w.job(id).phase).toBe("queued");
});
