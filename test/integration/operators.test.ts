/** What operators say of nodes over gRPC, against a real controller and a whole agent. */
import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { startFakeNode } from "../support/fake-node.ts";
import { ControllerWorld, jobSpec, scheduler } from "../support/scheduler-calls.ts";

const patience = { timeout: 30_000, interval: 10 };

let services = new ServiceStack();
afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

async function cluster() {
  const world = services.add(await ControllerWorld.start());
  const node = services.add(await startFakeNode({ controllers: [world.address] }));
  const { calls } = world;
  const online = async () => (await calls.call(scheduler.GetClusterStatus, {})).online_nodes;
  await expect.poll(online, patience).toBe(1);
  return { calls, node };
}

test("a node that there is not, whatever it is called, is not found", async () => {
  const { calls } = await cluster();
  const listed = async (name: string) => (await calls.call(scheduler.ListNodes, { name })).nodes.map((one) => one.name);
  expect(await listed("node-2")).toEqual([]);
  for (const name of ["node-1", ""]) expect(await listed(name)).toEqual(["node-1"]);
  for (const node_name of ["", "node-2", "NODE-1", "node-1 ", "__proto__", "a".repeat(10_000), "\u0000"]) {
    const word = { node_name, by: "ann", reason: "its fan" };
    for (const refused of [
      calls.refusalOf(scheduler.CordonNode, word),
      calls.refusalOf(scheduler.DrainNode, word),
      calls.refusalOf(scheduler.UncordonNode, word),
      calls.refusalOf(scheduler.ConfirmNodeDead, word),
    ]) {
      expect(await refused).toMatchObject({ code: status.NOT_FOUND, message: "Node not found" });
    }
  }
});

test("a drain takes no deadline before now and none after 30 days, and texts that can be shown", async () => {
  const { calls } = await cluster();
  const refusal = async (word: Record<string, unknown>) =>
    await calls.refusalOf(scheduler.DrainNode, { node_name: "node-1", ...word });
  for (const deadline_seconds of [-1, -2_147_483_648, 2_592_001, 2_147_483_647]) {
    expect(await refusal({ deadline_seconds })).toMatchObject({
      code: status.INVALID_ARGUMENT,
      message: "Invalid request: deadline_seconds must be a whole number from 0 to 2592000",
      fields: ["deadline_seconds"],
    });
  }
  for (const field of ["by", "reason"]) {
    for (const text of ["\u0007", "x".repeat(513), "   "]) {
      expect(await refusal({ [field]: text })).toMatchObject({ code: status.INVALID_ARGUMENT, fields: [field] });
    }
  }
  const { nodes } = await calls.call(scheduler.ListNodes, {});
  expect(nodes).toMatchObject([{ cordoned: false }]);
});

test("said again, the last word holds; a drain with no time left has the job leave at once", async () => {
  const { calls, node } = await cluster();
  const { job_id } = await calls.call(scheduler.SubmitJob, { spec: jobSpec({ on_preempt: "cancel" }) });
  await expect.poll(() => node.executor.launched.length, patience).toBe(1);
  const say = async (deadline_seconds?: number) => {
    const word = {
      node_name: "node-1",
      by: "ann",
      reason: "",
      ...(deadline_seconds !== undefined && { deadline_seconds }),
    };
    const { node: after, job_ids } = await calls.call(scheduler.DrainNode, word);
    const { at_ms = 0, drain_until_ms = 0 } = after?.cordon ?? {};
    return { afterMs: drain_until_ms - at_ms, job_ids, message: after?.message ?? "" };
  };
  expect(await say()).toMatchObject({ afterMs: 3_600_000, job_ids: [job_id] });
  expect(await say(2_592_000)).toMatchObject({
    afterMs: 2_592_000_000,
    message: expect.stringMatching(/^draining until .* by ann; 1 job is still there$/),
  });
  const cordoned = await calls.call(scheduler.CordonNode, { node_name: "node-1" });
  expect(cordoned.node).toMatchObject({ message: "cordoned", cordon: { by: "" } });
  expect(cordoned.node?.cordon).not.toHaveProperty("drain_until_ms");
  expect(await say(0)).toMatchObject({ afterMs: 0, job_ids: [job_id] });
  await expect.poll(() => node.executor.stopped.length, patience).toBe(1);
  const job = await calls.call(scheduler.GetJob, { job_id });
  expect(job).toMatchObject({ state: "JOB_STATE_PREEMPTED", phase: "JOB_PHASE_STOPPING" });
  for (let time = 0; time < 2; time += 1) {
    const { node: after } = await calls.call(scheduler.UncordonNode, { node_name: "node-1" });
    expect(after).toMatchObject({ cordoned: false, cordon: null, message: "" });
  }
});
