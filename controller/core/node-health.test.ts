import { expect, test } from "vitest";
import { asDeviceId, asNodeName, type JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { describeReason } from "../rpc/describe-node.ts";
import { fromNode } from "../rpc/translate/node.ts";
import { whyWaiting } from "./explain.ts";
import type { DeviceCondition } from "./model/device-condition.ts";

const XID = "XID 79: the GPU has fallen off the bus";
const MINUTE_MS = 60_000;

function world(nodes: number, gpus = 2): CoreWorld {
  const made = new CoreWorld();
  made.addTenant();
  for (let n = 1; n <= nodes; n++) made.addNode(`node-${n}`, { gpus });
  return made;
}

function condition(id: string, health: DeviceCondition["health"], reason = "", since = 1): DeviceCondition {
  const withheld = health === "healthy" ? "" : `${health}: ${reason}`;
  const told = { owner: "agent", reason, wayBack: "reboot the host", use: "free", useReason: "" };
  return { id: asDeviceId(id), health, ...told, since, withheld };
}

const device = (node: string, index: number) => `${node}-gpu-${index}`;

/** The node says, with its next heartbeat, how its devices are. */
function tell(w: CoreWorld, node: string, ...conditions: DeviceCondition[]): void {
  w.node(node).conditions = conditions;
  w.heartbeat(node);
}

function devicesOf(w: CoreWorld, id: JobId): readonly string[] {
  return w.job(id).allocations.flatMap(({ devices }) => devices);
}

function shown(w: CoreWorld, name: string) {
  const node = w.state.nodes.get(asNodeName(name));
  if (!node) throw new Error(`no node ${name}`);
  return fromNode(node, w.state);
}

function word(w: CoreWorld, kind: "quarantine-device" | "release-device", id: string, node = "node-1") {
  return w.apply({ kind, node: asNodeName(node), device: asDeviceId(id), by: "ann", reason: "its fan" });
}

test("a device that is withheld gets no new jobs, those on it go on, and it returns with the agent's word", () => {
  const w = world(1);
  const runs = w.submit();
  w.begin(runs);
  const [sick = ""] = devicesOf(w, runs);
  tell(w, "node-1", condition(sick, "unhealthy", XID));
  expect(w.job(runs).phase).toBe("running");
  const waits = w.submit({ gpuCount: 2 });
  w.end(runs);
  const alone = w.submit();
  expect([w.job(waits).phase, w.job(alone).phase]).toEqual(["queued", "starting"]);
  expect(devicesOf(w, alone)).not.toContain(sick);
  w.begin(alone);
  w.end(alone);
  expect(w.job(waits).phase).toBe("queued");
  tell(w, "node-1", condition(sick, "healthy"));
  expect(w.job(waits).phase).toBe("starting");
});

test("why it does not fit names the devices that are withheld, and the node's message does", () => {
  const w = world(1, 5);
  const sick = [0, 1, 2, 3].map((index) => condition(device("node-1", index), "unhealthy", XID));
  tell(w, "node-1", ...sick);
  const id = w.submit({ gpuCount: 2 });
  const { demand } = w.state.kindOf(id);
  const job = w.job(id);
  if (job.phase !== "queued") throw new Error("queued");
  const why = whyWaiting(w.state, job, w.now);
  const verdict = why.kind === "resources" ? why.nodes[0]?.verdict : undefined;
  if (why.kind !== "resources" || !verdict || verdict.answer === "fits") throw new Error("a shortage");
  const { reason } = verdict;
  expect(why.withheld).toMatchObject({ conditions: 4, leftover: 0 });
  const each = (index: number) => `${device("node-1", index)} is unhealthy: ${XID}`;
  expect(describeReason(reason, demand)).toBe(
    `has 1 GPU free of the 2 needed; 4 are withheld: ${each(0)}; ${each(1)}; ${each(2)}; and 1 more`,
  );
  expect(shown(w, "node-1").message).toBe(`4 of 5 GPUs are withheld: ${each(0)}`);
});

test("what is withheld stays so over a reconnect and another leader, as the hello tells of it", () => {
  const w = world(1);
  tell(w, "node-1", condition(device("node-1", 0), "unhealthy", XID));
  w.disconnect("node-1");
  w.hello("node-1");
  w.restart();
  w.hello("node-1");
  const both = w.submit({ gpuCount: 2 });
  expect(w.job(both).phase).toBe("queued");
});

test("victims are not stopped for devices that are withheld", () => {
  const w = world(1);
  w.addTenant("tenant-2", { tier: "low" });
  const low = w.submit({ tenantId: "tenant-2" as never, gpuCount: 1, priority: 1 });
  w.begin(low);
  const other = devicesOf(w, low)[0] === device("node-1", 0) ? device("node-1", 1) : device("node-1", 0);
  tell(w, "node-1", condition(other, "unhealthy", XID));
  w.submit({ gpuCount: 2, priority: 100 });
  w.advanceHeard(10 * MINUTE_MS);
  expect(w.job(low).phase).toBe("running");
});

test("an operator's quarantine lasts: over hellos, leaders and an inventory without the device, until it is released", () => {
  const w = world(1);
  const id = device("node-1", 0);
  const runs = w.submit({ gpuCount: 2 });
  expect(word(w, "quarantine-device", id)).toEqual({ affected: [runs] });
  w.begin(runs);
  w.end(runs);
  tell(w, "node-1", condition(id, "healthy"), condition(device("node-1", 1), "healthy"));
  const waits = w.submit({ gpuCount: 2 });
  expect(w.job(waits).phase).toBe("queued");
  expect(shown(w, "node-1").conditions?.[0]).toMatchObject({
    id,
    health: "DEVICE_HEALTH_QUARANTINED",
    owner: "ann",
    reason: "its fan",
    way_back: "returns when an operator releases it",
    withheld: "quarantined by ann: its fan",
  });
  w.restart();
  const { inventory } = w.node("node-1");
  Object.assign(w.node("node-1"), { inventory: { ...inventory, devices: inventory.devices.slice(1) } });
  w.hello("node-1");
  Object.assign(w.node("node-1"), { inventory });
  w.hello("node-1");
  expect(w.job(waits).phase).toBe("queued");
  expect(word(w, "release-device", id)).toEqual({ affected: [] });
  expect(w.job(waits).phase).toBe("starting");
  expect(w.state.nodes.get(asNodeName("node-1"))?.record.deviceWords).toBeUndefined();
});

test("an operator's release holds against the agent's word, until that says something new", () => {
  const w = world(1);
  const id = device("node-1", 0);
  tell(w, "node-1", condition(id, "unhealthy", XID, 1_000));
  const both = w.submit({ gpuCount: 2 });
  word(w, "release-device", id);
  expect(w.job(both).phase).toBe("starting");
  expect(shown(w, "node-1").conditions?.[0]).toMatchObject({
    health: "DEVICE_HEALTH_UNHEALTHY",
    owner: "ann",
    reason: `released by ann: its fan; its agent says: ${XID}`,
    withheld: "",
  });
  w.begin(both);
  w.end(both);
  w.restart();
  w.hello("node-1");
  const again = w.submit({ gpuCount: 2 });
  expect(w.job(again).phase).toBe("starting");
  w.begin(again);
  w.end(again);
  tell(w, "node-1", condition(id, "unhealthy", XID, 2_000));
  expect(w.job(w.submit({ gpuCount: 2 })).phase).toBe("queued");
});

test("a device or node that is not there has no words said of it", () => {
  const w = world(1);
  expect(word(w, "quarantine-device", "gpu-9")).toMatchObject({ code: "not_found", message: "Device not found" });
  expect(word(w, "release-device", "constructor")).toMatchObject({ code: "not_found" });
  expect(word(w, "quarantine-device", "gpu-1", "node-9")).toMatchObject({ message: "Node not found" });
});

test("an attempt that is lost to a device is no retry of the user's; after five of them the job is taken for the cause", () => {
  const w = world(1, 8);
  const id = w.submit({ maxRetries: 0 });
  for (let loss = 1; loss <= 5; loss++) {
    expect(w.job(id)).toMatchObject({ phase: "starting", attempt: loss, retries: 0 });
    w.begin(id);
    const message = `${devicesOf(w, id)[0]} became unhealthy while the job ran: ${XID}`;
    w.endAs(id, { kind: "node", message, failedDevices: devicesOf(w, id).map(asDeviceId) });
  }
  expect(w.job(id)).toMatchObject({ phase: "finished", attempt: 5, retries: 0, outcome: { kind: "failed" } });
  const job = w.job(id);
  if (job.phase !== "finished") throw new Error("finished");
  expect(job.outcome.message).toMatch(/became unhealthy .* \(5 attempts were lost to devices that became unhealthy\)$/);
});

test("a node that joins takes jobs at once, and so does one after a reconnect, a short silence or another leader", () => {
  const w = world(1);
  const starts = () => {
    const id = w.submit();
    expect(w.job(id).phase).toBe("starting");
    w.cancel(id);
    w.stopped(id);
  };
  starts();
  w.disconnect("node-1");
  w.hello("node-1");
  starts();
  w.advance(20_000);
  w.heartbeat("node-1");
  starts();
  w.restart();
  w.hello("node-1");
  starts();
});

test("a node that was lost takes jobs after three good heartbeats, and says so", () => {
  const w = world(1);
  w.disconnect("node-1");
  w.advance(300_000);
  w.hello("node-1");
  const waits = w.submit();
  const { demand } = w.state.kindOf(waits);
  expect(shown(w, "node-1").message).toBe("back for 0 of 3 good heartbeats: then it takes jobs again");
  expect(describeReason({ kind: "proving", good: 0, needed: 3 }, demand)).toBe("is back for 0 of 3 good heartbeats");
  w.heartbeat("node-1");
  w.heartbeat("node-1");
  expect(w.job(waits).phase).toBe("queued");
  w.node("node-1").ready = false;
  w.heartbeat("node-1");
  w.node("node-1").ready = true;
  w.heartbeat("node-1");
  w.heartbeat("node-1");
  expect(shown(w, "node-1").message).toBe("back for 2 of 3 good heartbeats: then it takes jobs again");
  expect(w.job(waits).phase).toBe("queued");
  w.heartbeat("node-1");
  expect(w.job(waits).phase).toBe("starting");
  expect(shown(w, "node-1").message).toBe("");
});

test("a node that could not start jobs proves itself, too; one that never could takes jobs as soon as it can", () => {
  const w = world(1);
  w.node("node-1").ready = false;
  w.heartbeat("node-1");
  w.node("node-1").ready = true;
  w.heartbeat("node-1");
  const waits = w.submit();
  w.heartbeat("node-1");
  expect(w.job(waits).phase).toBe("queued");
  w.heartbeat("node-1");
  expect(w.job(waits).phase).toBe("starting");

  const fresh = new CoreWorld();
  fresh.addTenant();
  fresh.addNode("node-1", { gpus: 1 });
  fresh.restart();
  fresh.node("node-1").ready = false;
  fresh.hello("node-1");
  fresh.node("node-1").ready = true;
  fresh.heartbeat("node-1");
  expect(fresh.job(fresh.submit()).phase).toBe("starting");
});
