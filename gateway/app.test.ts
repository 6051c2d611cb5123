import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Intake } from "../base/intake.ts";
import { silentLogger as log } from "../base/logger.ts";
import { type FakeScheduler, startFakeScheduler } from "../test/support/fake-scheduler.ts";
import { exchange, render } from "../test/support/raw-http.ts";
import { sampleJob } from "../test/support/scheduler-samples.ts";
import { createApp } from "./app.ts";
import { ControllerClient } from "./controller-client.ts";
import { RateLimiter } from "./limits.ts";
import { HttpMetrics } from "./metrics.ts";

/** An application whose clock stands, with as many submissions under way as it takes. */
async function startFull(): Promise<{ address: string; scheduler: FakeScheduler; answerOne: () => void }> {
  const scheduler = await startFakeScheduler();
  const client = new ControllerClient([scheduler.address]);
  const intake = new Intake({ longestWaitMs: 300, now: () => 0 });
  const underWay: (() => void)[] = [];
  while (!intake.isFull) void intake.admit(() => new Promise<void>((resolve) => underWay.push(resolve)));
  const limiter = new RateLimiter({ perSecond: 1_000, now: () => 0 });
  const closing = new AbortController().signal;
  const door = { host: "127.0.0.1", limiter, intake, metrics: new HttpMetrics(), log };
  const server = createServer(createApp({ client, intake, closing, log }, door)).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await client.close();
    await scheduler.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, scheduler, answerOne: () => underWay.shift()?.() };
}

const TYPE = { "Content-Type": "application/json" };
const body = JSON.stringify({ tenant_id: "tenant-123", name: "x", gpu_count: 2 });
const JOBS = "/api/v1/jobs";

test("when too many submissions are under way, the next is turned away before its body is read", async () => {
  const { address } = await startFull();
  for (const target of [JOBS, `${JOBS}/batch`]) {
    const [head = ""] = render({ method: "POST", target, headers: { ...TYPE, "Content-Length": "1000" } });
    const { status, headers, body: text } = await exchange(address, [head]);
    expect([status, headers.get("retry-after"), headers.get("x-content-type-options")]).toEqual([503, "1", "nosniff"]);
    expect(JSON.parse(text)).toEqual({
      error: "The scheduler has too much to do at the moment; try again shortly",
      request_id: headers.get("x-request-id"),
    });
  }
  const { body: counted } = await exchange(address, render({ method: "GET", target: "/metrics" }));
  expect(counted).toContain(`gpusched_http_requests_total{method="POST",route="${JOBS}",status="503"} 1`);
});

test("what is no submission goes on when submissions are turned away", async () => {
  const { address } = await startFull();
  const others = [
    { method: "GET", target: JOBS },
    { method: "DELETE", target: `${JOBS}/${sampleJob.id}` },
    { method: "POST", target: `${JOBS}?dry_run=true`, headers: TYPE, body },
    { method: "GET", target: "/health" },
  ];
  for (const request of others) expect((await exchange(address, render(request))).status).toBe(200);
});

test("as soon as one has its answer, the next is let in", async () => {
  const { address, scheduler, answerOne } = await startFull();
  const submission = render({ method: "POST", target: JOBS, headers: TYPE, body });
  expect((await exchange(address, submission)).status).toBe(503);
  expect(scheduler.received("SubmitJob")).toHaveLength(0);
  answerOne();
  expect((await exchange(address, submission)).status).toBe(201);
});
