import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { FakeController, type LogSession } from "../../test/support/fake-controller.ts";
import { FakeExecutor } from "../../test/support/fake-executor.ts";
import { dial } from "./channel.ts";
import { MAX_UNACKNOWLEDGED_BYTES } from "./log-read.ts";
import { serveLogs } from "./log-server.ts";
import { MAX_READS } from "./log-stream.ts";

const KEY = { job_id: "job-17", attempt: 1, rank: 0 };
const services = new ServiceStack();
afterEach(() => services.close());

const patience = { timeout: 10_000, interval: 5 };

async function serving(): Promise<{ controller: FakeController; executor: FakeExecutor; session: LogSession }> {
  const controller = services.add(await FakeController.start(undefined));
  const executor = new FakeExecutor(() => {});
  services.add(
    serveLogs(() => dial(controller.address), {
      hello: { node_name: "node-1", agent_id: "a" },
      readLog: (key, options) => executor.readLog(key, options),
      log: silentLogger,
    }),
  );
  await expect.poll(() => controller.logSessions.length, patience).toBe(1);
  return { controller, executor, session: controller.logSessions[0] ?? expect.unreachable() };
}

test("a read is passed to the executor as asked, and its output comes back whole", async () => {
  const { session, executor } = await serving();
  executor.output = async function* () {
    yield Buffer.from("hello ");
    yield Buffer.from("world");
  };
  session.send({ request_id: 1, read: { key: KEY, follow: true, tail_lines: 5, stream: "LOG_STREAM_STDERR" } });
  session.send({ request_id: 2, read: { key: KEY } });
  await expect.poll(() => session.endOf(1) && session.endOf(2), patience).toMatchObject({ error: "" });
  expect(session.bytesOf(1).toString()).toBe("hello world");
  expect(session.nodeName).toBe("node-1");
  expect(executor.reads).toMatchObject([
    { key: { jobId: "job-17", attempt: 1, rank: 0 }, options: { follow: true, tailLines: 5, stream: "stderr" } },
    { options: { follow: false, tailLines: undefined, stream: undefined } },
  ]);
});

test("one reader that takes nothing does not hold up another", async () => {
  const { session, executor } = await serving();
  executor.output = async function* () {
    for (let count = 0; count < 40; count += 1) yield Buffer.alloc(32 * 1024, "x");
  };
  session.send({ request_id: 1, read: { key: KEY } });
  await expect.poll(() => session.bytesOf(1).length, patience).toBe(MAX_UNACKNOWLEDGED_BYTES);
  session.send({ request_id: 2, read: { key: KEY } });
  let credited = 0;
  await expect
    .poll(() => {
      const taken = session.bytesOf(2).length - credited;
      if (taken > 0) session.send({ request_id: 2, credit: { bytes: taken } });
      credited += taken;
      return session.endOf(2)?.error;
    }, patience)
    .toBe("");
  expect(session.bytesOf(2).length).toBe(40 * 32 * 1024);
  expect(session.bytesOf(1).length).toBe(MAX_UNACKNOWLEDGED_BYTES);
});

test("a cancelled read ends at the executor and makes room for another", async () => {
  const { session, executor } = await serving();
  executor.output = async function* ({ signal }) {
    await once(signal, "abort");
    yield* [];
  };
  for (let id = 1; id <= MAX_READS + 1; id += 1) session.send({ request_id: id, read: { key: KEY, follow: true } });
  await expect.poll(() => session.endOf(MAX_READS + 1)?.error, patience).toMatch(/too many readers/);
  session.send({ request_id: 1, cancel: {} });
  await expect.poll(() => executor.reads[0]?.options.signal.aborted, patience).toBe(true);
  session.send({ request_id: 1_000, read: { key: KEY, follow: true } });
  await expect.poll(() => executor.reads.length, patience).toBe(MAX_READS + 1);
});

test("a request that names no proper allocation is answered with an error", async () => {
  const { session, executor } = await serving();
  session.send({ request_id: 1, read: { key: { ...KEY, job_id: "../etc" } } });
  await expect.poll(() => session.endOf(1)?.error, patience).toBe("the request names no allocation");
  expect(executor.reads).toEqual([]);
});

test("when the stream ends all of its reads end, and a new stream is opened", async () => {
  const { session, executor, controller } = await serving();
  executor.output = async function* ({ signal }) {
    await once(signal, "abort");
    yield* [];
  };
  session.send({ request_id: 1, read: { key: KEY, follow: true } });
  await expect.poll(() => executor.reads.length, patience).toBe(1);
  session.end();
  await expect.poll(() => controller.logSessions.length, patience).toBe(2);
  expect(executor.reads[0]?.options.signal.aborted).toBe(true);
});
