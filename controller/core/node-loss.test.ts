import { expect, test } from "vitest";
import { CoreWorld } from "../../test/support/core-world.ts";

function world(nodes: number): CoreWorld {
  const made = new CoreWorld();
  made.addTenant();
  for (let n = 1; n <= nodes; n++) made.addNode(`node-${n}`, { gpus: 1 });
  return made;
}

test("a node that falls silent is unreachable after 15 s: nothing new starts there, its job goes on", () => {
  const w = world(1);
  const id = w.submit();
  w.begin(id);
  w.disconnect("node-1");
  w.advance(15_000);
  expect(w.state.nodes.values().next().value?.reach).toBe("unreachable");
  expect(w.job(id)).toMatchObject({ phase: "running" });
  expect(w.job(id).history.at(-1)?.kind).toBe("node-unreachable");
  w.hello("node-1");
  expect(w.job(id).history.at(-1)?.kind).toBe("node-returned");
});

test("with three nodes a lost node's job moves elsewhere, and what still runs there is stopped when it returns", () => {
  const w = world(3);
  const id = w.submit();
  w.begin(id);
  const lost = w.job(id).allocations[0]?.node ?? "";
  w.disconnect(lost);
  w.advanceHeard(300_000);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2, retries: 0 });
  expect(w.job(id).allocations[0]?.node).not.toBe(lost);

  const other = w.submit();
  const third = w.submit();
  w.hello(lost);
  expect(w.effects.filter((effect) => effect.kind === "stop").at(-1)).toMatchObject({
    node: lost,
    graceMs: 0,
    key: { jobId: id, attempt: 1 },
  });
  w.prove(lost);
  // Its device is not given out before the old attempt is gone.
  expect([w.job(other).phase, w.job(third).phase]).toEqual(["starting", "queued"]);
  w.reportFor({ jobId: id, attempt: 1, rank: 0 }, lost, {
    phase: "ended",
    endedAt: w.now,
    end: { kind: "exited", exitCode: 137, outOfMemory: false, message: "" },
  });
  expect(w.job(third)).toMatchObject({ phase: "starting", allocations: [{ node: lost }] });
});

test("with fewer than three nodes a lost node's job keeps its place, unless it asked to be requeued", () => {
  const w = world(2);
  const waits = w.submit();
  const moves = w.submit({ onNodeLost: "requeue" });
  w.begin(waits);
  w.begin(moves);
  w.disconnect("node-1");
  w.disconnect("node-2");
  w.advance(15_000);
  w.advance(300_000);
  expect(w.job(waits).phase).toBe("running");
  expect(w.job(moves)).toMatchObject({ phase: "queued", attempt: 1 });
});

test("a rebooted node is evidence: its jobs are requeued at once", () => {
  const w = world(1);
  const id = w.submit();
  w.begin(id);
  const node = w.node("node-1");
  node.bootId = "boot-2";
  node.running.clear();
  w.hello("node-1");
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
});

test("a launch that never arrived is sent again; a run that the node no longer knows is tried anew", () => {
  const w = world(1);
  const id = w.submit();
  w.node("node-1").running.clear();
  w.hello("node-1");
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 1 });
  w.begin(id);
  w.node("node-1").running.clear();
  w.hello("node-1");
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
});

test("a controller that restarts takes over what runs, and what ended meanwhile", () => {
  const w = world(2);
  const goesOn = w.submit();
  const ended = w.submit();
  w.begin(goesOn);
  w.begin(ended);
  for (const name of ["node-1", "node-2"]) w.node(name).session = undefined;
  w.end(ended, 5);
  w.restart();
  w.hello("node-1");
  w.hello("node-2");
  expect(w.job(goesOn)).toMatchObject({ phase: "running", attempt: 1 });
  expect(w.job(ended)).toMatchObject({ phase: "finished", outcome: { exitCode: 5 } });
  expect(w.node("node-2").running.size).toBe(0);
});

test("a stop is repeated to a node that comes back with the job still running", () => {
  const w = world(1);
  const id = w.submit();
  w.begin(id);
  w.disconnect("node-1");
  w.cancel(id);
  w.hello("node-1");
  expect(w.effects.at(-1)).toMatchObject({ kind: "stop", key: { jobId: id } });
});

test("what a controller does not know is never stopped, and its devices are not given out", () => {
  const w = world(1);
  const key = { jobId: "job-1111111111111111111" as never, attempt: 1, rank: 0 };
  const devices = w.node("node-1").inventory.devices.map((device) => device.id);
  w.node("node-1").running.set("stranger", { key, devices, state: { phase: "running", startedAt: w.now } });
  w.hello("node-1");
  expect(w.effects.some((effect) => effect.kind === "stop" || effect.kind === "release")).toBe(false);
  expect(w.job(w.submit()).phase).toBe("queued");
});

test("another agent under a connected node's name is rejected", () => {
  const w = world(1);
  const node = w.node("node-1");
  w.apply({
    kind: "node-hello",
    session: 99,
    node: "node-1" as never,
    agentId: "clone",
    bootId: "boot-1",
    inventory: node.inventory,
    executor: { ready: true, message: "" },
    allocations: [],
  });
  expect(w.effects.at(-1)).toMatchObject({ kind: "reject", session: 99 });
});

test("nothing is given up before the time to give a node up, not even by a second", () => {
  const w = world(3);
  const id = w.submit();
  w.begin(id);
  w.disconnect(w.job(id).allocations[0]?.node ?? "");
  w.advanceHeard(299_000);
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
  w.advanceHeard(1_000);
  expect(w.job(id)).toMatchObject({ attempt: 2 });
});

test("a launch is not repeated on a node that was rebooted meanwhile: the attempt may have run", () => {
  const w = world(1);
  const id = w.submit();
  const node = w.node("node-1");
  node.bootId = "boot-2";
  node.running.clear();
  w.hello("node-1");
  expect(w.job(id)).toMatchObject({ phase: "held", startFailures: 1 });
  w.advanceHeard(2_000);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
});

test("what is still said of an old attempt changes nothing in the new one", () => {
  const w = world(1);
  const id = w.submit({ maxRetries: 1 });
  w.begin(id);
  const old = { key: { jobId: id, attempt: 1, rank: 0 }, devices: [] };
  w.end(id, 1);
  w.advanceHeard(10_000);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
  const end = { kind: "exited", exitCode: 0, outOfMemory: false, message: "" } as const;
  w.apply({
    kind: "allocation-report",
    session: w.node("node-1").session ?? 0,
    node: "node-1" as never,
    report: { ...old, state: { phase: "ended", endedAt: w.now, end } },
  });
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 2 });
});

test("a time limit holds across a restart of the controller, counted from the start of the job", () => {
  const w = world(1);
  const id = w.submit({ maxRuntimeMinutes: 2 });
  w.begin(id);
  w.advanceHeard(60_000);
  w.restart();
  w.hello("node-1");
  w.advanceHeard(59_000);
  expect(w.job(id).phase).toBe("running");
  w.advanceHeard(1_000);
  expect(w.job(id).phase).toBe("stopping");
});

test("a node that came back is watched as closely as before", () => {
  const w = world(1);
  const reach = () => [...w.state.nodes.values()][0]?.reach;
  w.advance(15_000);
  expect(reach()).toBe("unreachable");
  w.heartbeat("node-1");
  expect(reach()).toBe("online");
  w.advance(15_000);
  w.advance(15_000);
  expect(reach()).toBe("unreachable");
});

test("after a restart of the controller a node has the full time to come back, and is watched at once when it does", () => {
  const w = world(3);
  const id = w.submit();
  w.begin(id);
  const name = w.job(id).allocations[0]?.node;
  w.restart();
  w.advance(299_000);
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
  for (const node of w.nodes.keys()) w.hello(node);
  w.advance(15_000);
  expect(w.state.nodes.get(name as never)?.reach).toBe("unreachable");
});

test("a node whose agent is not connected is given nothing, however lately it was heard", () => {
  const w = world(2);
  w.disconnect("node-1");
  const ids = [w.submit(), w.submit()];
  expect(ids.map((id) => w.job(id).phase)).toEqual(["starting", "queued"]);
  expect(w.job(ids[0] ?? ("" as never)).allocations[0]?.node).toBe("node-2");
  w.hello("node-1");
  expect(ids.map((id) => w.job(id).phase)).toEqual(["starting", "starting"]);
});

test("a Hello that comes late is refused: it knows nothing of what was launched since", () => {
  const w = world(1);
  w.hello("node-1", 7);
  const id = w.submit();
  w.begin(id);
  const running = new Map(w.node("node-1").running);
  w.node("node-1").running.clear();
  for (const number of [6, 7, undefined]) {
    w.hello("node-1", number);
    expect(w.effects.at(-1)).toMatchObject({ kind: "reject", highestHello: 7 });
  }
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
  w.restart();
  w.hello("node-1", 7);
  expect(w.effects.at(-1)).toMatchObject({ kind: "reject", highestHello: 7 });
  for (const [name, report] of running) w.node("node-1").running.set(name, report);
  w.hello("node-1", 8);
  expect(w.effects.some((effect) => effect.kind === "welcome")).toBe(true);
  expect(w.job(id)).toMatchObject({ phase: "running", attempt: 1 });
});
