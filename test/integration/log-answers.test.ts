/** What a reader of output is answered over REST when there is none to be had: a status, never an answer that breaks off. */
import { afterEach, expect, test } from "vitest";
import { RequestError } from "../../base/errors.ts";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { startGateway } from "../../gateway/gateway.ts";
import { type FakeNode, startFakeNode } from "../support/fake-node.ts";
import { ControllerWorld, jobSpec, scheduler } from "../support/scheduler-calls.ts";

const patience = { timeout: 30_000, interval: 10 };

let services = new ServiceStack();
afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

interface Reading {
  readonly node: FakeNode;
  readonly submit: (fields?: Record<string, unknown>) => Promise<string>;
  readonly start: (id: string) => Promise<void>;
  readonly read: (id: string, query?: string) => Promise<Response>;
}

async function reading(): Promise<Reading> {
  const world = services.add(await ControllerWorld.start());
  const node = services.add(await startFakeNode({ controllers: [world.address] }));
  const controllers = [world.address];
  const gateway = services.add(
    await startGateway({ listen: "127.0.0.1:0", controllers, rateLimit: 1_000, log: silentLogger }),
  );
  const jobOf = (job_id: string) => world.calls.call(scheduler.GetJob, { job_id });
  return {
    node,
    submit: async (fields = {}) => (await world.calls.call(scheduler.SubmitJob, { spec: jobSpec(fields) })).job_id,
    start: async (id) => {
      const launch = () => node.executor.launched.find(({ key }) => key.jobId === id);
      await expect.poll(launch, patience).toBeDefined();
      const { key } = launch() ?? expect.unreachable();
      node.executor.change(key, { phase: "running", startedAtMs: Date.now(), stopping: false });
      await expect.poll(() => jobOf(id), patience).toMatchObject({ state: "JOB_STATE_RUNNING" });
    },
    read: (id, query = "") => fetch(`http://${gateway.address}/api/v1/jobs/${id}/logs${query}`),
  };
}

test.each(["", "&follow=true"])("a rank that the job does not have is 400 (%s)", async (follow) => {
  const on = await reading();
  const id = await on.submit({ gpu_count: 2 });
  await on.start(id);
  const waiting = await on.submit({ gpu_count: 1 });
  for (const job of [id, waiting]) {
    const response = await on.read(job, `?rank=3${follow}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ details: [{ field: "rank", message: "must be below 1" }] });
  }
});

test.each(["", "?follow=true"])("output that is no longer kept is 404 (%s)", async (follow) => {
  const on = await reading();
  // oxlint-disable-next-line require-yield -- it is refused before it has anything
  on.node.executor.output = async function* () {
    throw new RequestError("not_found", "the output is no longer kept");
  };
  const id = await on.submit();
  await on.start(id);
  const response = await on.read(id, follow);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ error: "the output is no longer kept" });
});

test.each(["", "?follow=true"])(
  "output on a node that is away is 503, and says which node that is (%s)",
  async (follow) => {
    const on = await reading();
    const id = await on.submit();
    await on.start(id);
    await on.node.close();
    await expect.poll(async () => (await on.read(id, follow)).status, patience).toBe(503);
    const { error } = (await (await on.read(id, follow)).json()) as { error: string };
    expect(error).toBe(
      "Node node-1 is not connected, and the output is there: try again once its agent runs and reaches the controller",
    );
  },
);

test("who follows a job that is quiet, or has not started, has the beginning of the answer at once", async () => {
  const on = await reading();
  on.node.executor.output = async function* ({ signal }) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield Buffer.from("never\n");
  };
  const id = await on.submit({ gpu_count: 2 });
  await on.start(id);
  const waiting = await on.submit();
  for (const job of [id, waiting]) {
    const response = await on.read(job, "?follow=true");
    expect(response.status).toBe(200);
    await response.body?.cancel();
  }
});
