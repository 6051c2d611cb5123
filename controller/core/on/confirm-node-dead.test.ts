import { expect, test } from "vitest";
import { RequestError } from "../../../base/errors.ts";
import { asNodeName } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";

function world(nodes: number): CoreWorld {
  const made = new CoreWorld();
  made.addTenant();
  for (let n = 1; n <= nodes; n++) made.addNode(`node-${n}`, { gpus: 1 });
  return made;
}

function confirm(w: CoreWorld, node: string) {
  return w.apply({ kind: "confirm-node-dead", node: asNodeName(node), by: "ann", reason: "its power supply burned" });
}

function goSilent(w: CoreWorld, node: string): void {
  w.disconnect(node);
  w.advanceHeard(15_000);
}

test("the jobs of a node that is confirmed dead queue again at once, also those that would wait for it", () => {
  const w = world(2);
  const id = w.submit({ onNodeLost: "wait" });
  w.begin(id);
  const dead = w.job(id).allocations[0]?.node ?? "";
  goSilent(w, dead);
  expect(confirm(w, dead)).toEqual({ affected: [id] });
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2, retries: 0, startFailures: 0 });
  expect(w.job(id).allocations[0]?.node).not.toBe(dead);
  const story = w.job(id).history.map(({ kind, message }) => `${kind}: ${message}`);
  expect(story).toContain(`requeued: node ${dead} was confirmed dead by ann: its power supply burned`);
  const { record, reach, held } = w.state.nodes.get(asNodeName(dead)) ?? {};
  expect(record?.confirmedDead).toEqual({ at: w.now, by: "ann", reason: "its power supply burned" });
  expect([reach, held?.size]).toEqual(["lost", 0]);
});

test("a job that was being cancelled there is cancelled, one that was stopped for its limit has failed", () => {
  const w = world(2);
  const cancelled = w.submit();
  const late = w.submit({ maxRuntimeMinutes: 1 });
  for (const id of [cancelled, late]) w.begin(id);
  const nodes = [cancelled, late].map((id) => w.job(id).allocations[0]?.node ?? "");
  w.cancel(cancelled);
  w.advanceHeard(60_000);
  expect(w.job(late).phase).toBe("stopping");
  for (const node of nodes) w.disconnect(node);
  w.advance(15_000);
  for (const node of nodes) confirm(w, node);
  expect(w.job(cancelled)).toMatchObject({ phase: "finished", outcome: { kind: "cancelled" } });
  expect(w.job(late)).toMatchObject({
    phase: "finished",
    outcome: { kind: "failed", message: "exceeded max runtime of 1 minutes" },
  });
});

test("a gang loses its rank there, and queues again when the others have stopped", () => {
  const w = world(3);
  const id = w.submit({ gpuCount: 2, gang: true, gpusPerNode: 1 });
  w.beginAll(id);
  const [dead = "", other = ""] = w.job(id).allocations.map(({ node }) => node);
  goSilent(w, dead);
  confirm(w, dead);
  expect(w.job(id)).toMatchObject({ phase: "stopping", verdict: { kind: "requeue" } });
  expect(w.effects.findLast(({ kind }) => kind === "stop")).toMatchObject({ node: other, key: { rank: 1 } });
  w.end(id, 143, 1);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
});

test("a node that is heard is not dead, nor is one whose silence this term has not seen for long enough", () => {
  const w = world(2);
  const id = w.submit();
  w.begin(id);
  const node = w.job(id).allocations[0]?.node ?? "";
  const refusal = (answer: unknown) => (answer instanceof RequestError ? `${answer.code}: ${answer.message}` : answer);
  const expected =
    /^conflict: cannot confirm that node node-\d is dead: it may have been heard \d+s ago; switch it off, and say so again once it has been silent for 15s$/;
  expect(refusal(confirm(w, node))).toMatch(expected);
  w.disconnect(node);
  w.advanceHeard(14_000);
  expect(refusal(confirm(w, node))).toMatch(expected);
  w.restart();
  w.advance(14_000);
  expect(refusal(confirm(w, node))).toMatch(expected);
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
  w.advance(1_000);
  confirm(w, node);
  expect(w.job(id).attempt + w.job(id).history.filter(({ kind }) => kind === "requeued").length).toBeGreaterThan(1);
  expect(refusal(confirm(w, "node-9"))).toBe("not_found: Node not found");
});

test("what comes back from such a node is stopped and never counted, on whatever stream", () => {
  const w = world(2);
  const id = w.submit();
  w.begin(id);
  const dead = w.job(id).allocations[0]?.node ?? "";
  const node = w.node(dead);
  const { session } = node;
  // Its stream is still open: the host has no power, and nobody has noticed.
  w.advance(15_000);
  confirm(w, dead);
  expect(w.job(id)).toMatchObject({ phase: "queued", attempt: 1 });
  const report = { key: { jobId: id, attempt: 1, rank: 0 }, devices: [] };
  const end = { kind: "exited", exitCode: 0, outOfMemory: false, message: "" } as const;
  const ended = { phase: "ended", endedAt: w.now, end } as const;
  w.apply({
    kind: "allocation-report",
    session: session ?? 0,
    node: asNodeName(dead),
    report: { ...report, state: ended },
  });
  expect(w.job(id)).toMatchObject({ phase: "queued", attempt: 1 });

  w.hello(dead);
  expect(w.effects.findLast(({ kind }) => kind === "stop")).toMatchObject({
    node: dead,
    key: { jobId: id, attempt: 1 },
  });
  w.prove(dead);
  // Its device is blocked until that is gone.
  expect(w.job(id)).toMatchObject({ phase: "queued" });
  expect(w.state.nodes.get(asNodeName(dead))?.record.confirmedDead?.by).toBe("ann");
  w.reportFor({ jobId: id, attempt: 1, rank: 0 }, dead, ended);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2, allocations: [{ node: dead }] });
});

test("the word is kept, and a node that is lost for good holds nothing after a restart", () => {
  const w = world(1);
  const id = w.submit();
  w.begin(id);
  w.disconnect("node-1");
  w.advance(15_000);
  confirm(w, "node-1");
  w.restart();
  expect(w.job(id)).toMatchObject({ phase: "queued", attempt: 1 });
  expect(w.state.nodes.get(asNodeName("node-1"))?.record.confirmedDead?.reason).toBe("its power supply burned");
});

test("where nothing is placed before every node is heard, a dead one need not be waited for", () => {
  const w = new CoreWorld({ waitsForNodes: true });
  w.addTenant();
  for (const name of ["node-1", "node-2"]) w.addNode(name, { gpus: 1 });
  w.restart();
  w.hello("node-1");
  const id = w.submit();
  w.advanceHeard(15_000);
  expect(w.job(id).phase).toBe("queued");
  confirm(w, "node-2");
  expect(w.job(id).phase).toBe("starting");
});
