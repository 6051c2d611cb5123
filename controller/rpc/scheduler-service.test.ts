import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { readErrorDetail } from "../../proto/error-detail.ts";
import { gatedStore } from "../../test/support/gated-store.ts";
import { jobSpec } from "../../test/support/scheduler-calls.ts";
import { DEFAULT_POLICY } from "../core/model/policy.ts";
import { LateStarts } from "../core/late-start.ts";
import { Loop } from "../loop/loop.ts";
import { LogRelay } from "./log-relay.ts";
import { schedulerService } from "./scheduler-service.ts";

const SETTINGS = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };
/** Submissions that are let in before anything is known of how fast they are answered. */
const FIRST_LIMIT = 256;

async function startService() {
  const { store, commits } = gatedStore();
  const common = { store, clock: systemClock, log: silentLogger };
  const loop = await Loop.start({
    ...common,
    settings: SETTINGS,
    carryOut: () => undefined,
    onTermEnd: () => undefined,
  });
  const parts = { loop, logs: new LogRelay(silentLogger), lateStarts: new LateStarts(), log: silentLogger };
  const service = schedulerService({ ...parts, facts: { leader: "here", store: "memory" } });
  const call = (method: "SubmitJob" | "SubmitJobs" | "CreateTenant", request: object) => {
    return new Promise((resolve, reject) => {
      const handle = service[method] as (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => void;
      handle({ request } as ServerUnaryCall<unknown, unknown>, (error, answer) =>
        error ? reject(error) : resolve(answer),
      );
    });
  };
  return { call, commits };
}

test("a submission beyond what can be taken is refused at once, before it is looked at, however it comes", async () => {
  const { call, commits } = await startService();
  const job = { spec: jobSpec() };
  const waiting = Array.from({ length: FIRST_LIMIT }, () => call("SubmitJob", job).catch((error: unknown) => error));
  for (const [method, request] of [
    ["SubmitJob", {}],
    ["SubmitJobs", { jobs: [] }],
  ] as const) {
    const refusal = (await call(method, request).catch((error: unknown) => error)) as { code: status; metadata: never };
    expect(refusal.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(readErrorDetail(refusal.metadata)?.code).toBe("overloaded");
  }
  expect(commits).toHaveLength(0);
  await Promise.all(waiting);
});
