import { expect, test } from "vitest";
import { CoreWorld } from "../../test/support/core-world.ts";

const LOST_MS = 300_000;

/** So many nodes that can reach each other, all of which have the membership on their disks. */
function meshed(nodes: number): CoreWorld {
  const w = new CoreWorld();
  w.addTenant();
  for (let n = 1; n <= nodes; n += 1) w.addNode(`node-${n}`, { gpus: 1, peerAddress: `10.0.0.${n}:9100` });
  w.advanceHeard(60_000);
  return w;
}

const membershipsOf = (w: CoreWorld, name: string) => w.state.nodes.get(name as never)?.record.memberships;
const alarms = (w: CoreWorld) => w.effects.filter(({ kind }) => kind === "alarm");

/** A job that runs on a node of its own, and the node. */
function running(w: CoreWorld) {
  const id = w.submit();
  w.begin(id);
  return { id, on: w.job(id).allocations[0]?.node ?? "" };
}

/** All but these fall silent. */
function leave(w: CoreWorld, ...staying: readonly string[]): void {
  for (const name of w.nodes.keys()) if (!staying.includes(name)) w.disconnect(name);
}

test("nodes that can be reached become members in one version for all that join within ten seconds", () => {
  const w = meshed(5);
  expect(w.state.mesh.current).toMatchObject({ version: 1, members: { length: 5 } });
  expect(w.state.mesh.current?.timing).toEqual({ hearingMs: 15_000, vouchMs: 15_000, stopMs: 30_000 });
  for (let n = 1; n <= 5; n += 1) expect(membershipsOf(w, `node-${n}`)).toEqual({ acknowledged: 1, sent: [] });
  expect(w.rows.get("membership/1")?.value).toMatchObject({ version: 1 });
});

test("a node without an address for its peers, and a cluster of fewer than three, have the lease alone", () => {
  const w = meshed(2);
  w.addNode("node-3", { gpus: 1 });
  w.advanceHeard(60_000);
  expect(w.state.mesh.current).toBeUndefined();
  const { id, on } = running(w);
  w.disconnect(on);
  w.advanceHeard(LOST_MS);
  expect(w.job(id).attempt).toBe(2);
});

test("a lost node's job is requeued by a leader that hears the majority of the membership", () => {
  const w = meshed(3);
  const { id, on } = running(w);
  w.disconnect(on);
  w.advanceHeard(LOST_MS);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
  expect(alarms(w)).toEqual([]);
});

test("a leader that hears a minority requeues nothing, says so, and goes on when the majority is back", () => {
  const w = meshed(5);
  const { id } = running(w);
  leave(w, "node-4", "node-5");
  w.advanceHeard(LOST_MS + 60_000);
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
  expect(w.job(id).history.at(-1)?.message).toContain("only 2 of the 5 nodes that it could reach have been heard");
  expect(alarms(w)).toHaveLength(1);
  w.hello("node-3");
  w.advanceHeard(50_000);
  expect(w.job(id).attempt).toBe(1);
  w.advanceHeard(20_000);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
});

test("the half of the members is no majority", () => {
  const w = meshed(4);
  const { id } = running(w);
  leave(w, "node-3", "node-4");
  w.advanceHeard(LOST_MS + 60_000);
  expect(w.job(id).attempt).toBe(1);
});

test("nodes that joined since do not count for a node that knows nothing of them", () => {
  const w = meshed(3);
  const { id } = running(w);
  leave(w, "node-3");
  for (let n = 4; n <= 8; n += 1) w.addNode(`node-${n}`, { gpus: 1, peerAddress: `10.0.0.${n}:9100` });
  w.advanceHeard(LOST_MS + 60_000);
  expect(w.state.mesh.current?.version).toBeGreaterThan(1);
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
  expect(w.state.mesh.memberships.has(1)).toBe(true);
});

test("a membership that was sent and not acknowledged counts as well as the one before it", () => {
  const w = meshed(3);
  const { id, on } = running(w);
  expect(on).toBe("node-1");
  w.addNode("node-4", { gpus: 1, peerAddress: "10.0.0.4:9100" });
  w.addNode("node-5", { gpus: 1, peerAddress: "10.0.0.5:9100" });
  w.advance(10_000);
  expect(membershipsOf(w, "node-1")).toEqual({ acknowledged: 1, sent: [2] });
  // Two of three are heard, and two of five: it may have either.
  leave(w, "node-2", "node-3");
  w.advanceHeard(LOST_MS + 60_000);
  expect(w.job(id).attempt).toBe(1);
  w.hello("node-4");
  w.advanceHeard(70_000);
  expect(w.job(id).attempt).toBe(2);
});

test("a version that no node goes by any more is removed", () => {
  const w = meshed(3);
  w.addNode("node-4", { gpus: 1, peerAddress: "10.0.0.4:9100" });
  w.advanceHeard(30_000);
  w.addNode("node-5", { gpus: 1, peerAddress: "10.0.0.5:9100" });
  w.advanceHeard(30_000);
  expect([...w.state.mesh.memberships.keys()]).toEqual([2, 3]);
  expect(w.rows.get("membership/1")?.value).toBeNull();
});

test("a new leader counts from its own election, and knows of every membership that a node may have", () => {
  const w = meshed(3);
  const { id, on } = running(w);
  w.disconnect(on);
  w.restart();
  for (const name of w.nodes.keys()) if (name !== on) w.hello(name);
  w.advanceHeard(LOST_MS - 5_000);
  expect(w.job(id).attempt).toBe(1);
  w.advanceHeard(10_000);
  expect(w.job(id).attempt).toBe(2);
  expect(w.state.mesh.current?.members).toHaveLength(0);
});

test("whom the leader hears, but who does not say that he hears the leader, is not counted", () => {
  const w = meshed(3);
  const { id, on } = running(w);
  w.disconnect(on);
  const until = w.now + LOST_MS + 60_000;
  for (; w.now < until; w.advance(5_000)) {
    for (const node of w.nodes.values()) {
      node.heardAt = undefined;
      w.heartbeat(node.name);
    }
  }
  expect(w.job(id).attempt).toBe(1);
});

test("an agent that knows a version of which the store has lost all is sent one above it", () => {
  const w = meshed(3);
  w.node("node-1").membership = 7;
  w.hello("node-1");
  w.advanceHeard(20_000);
  expect(w.state.mesh.current?.version).toBe(8);
  expect(membershipsOf(w, "node-1")).toEqual({ acknowledged: 8, sent: [] });
});
