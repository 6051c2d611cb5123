/** Shares of a device and the watching of output, on a real engine. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Executor } from "../../agent/executor/executor.ts";
import { containerNameOf, DockerExecutorWorld, job } from "../support/docker-executor-world.ts";

let world: DockerExecutorWorld;
let executor: Executor;

beforeAll(async () => {
  world = await DockerExecutorWorld.start({ nvidiaRuntime: true });
  executor = await world.executor();
});

afterAll(() => world?.close());

test("two containers run on one device at once, and a restarted agent knows the share of each", async () => {
  const specs = [250, 750].map((gpuMilli) => ({ ...job("sleep 600", { gpus: 1 }), gpuMilli }));
  for (const spec of specs) executor.launch(spec);
  for (const { key } of specs) await world.log.untilRunning(key);
  for (const { key, gpuMilli } of specs) {
    const { Id: id, Config: config } = await world.engine.docker.getContainer(containerNameOf(key)).inspect();
    expect(config.Labels["gpusched.milli"]).toBe(String(gpuMilli));
    const recorded = (await world.engine.recorded()).find(({ containerId }) => containerId === id);
    expect(recorded?.config.process.env).toContain("NVIDIA_VISIBLE_DEVICES=gpu-1");
  }
  const found = await (await world.executor()).recover();
  const shares = specs.map(({ key }) => found.find((it) => it.key.jobId === key.jobId)?.gpuMilli);
  expect(shares).toEqual([250, 750]);
  for (const { key } of specs) {
    executor.stop(key, 0, "the test is over");
    await world.log.untilEnded(key);
  }
});

test("what a container writes is told while it runs, and again only from where one goes on", async () => {
  const spec = job("echo one; echo two >&2; sleep 1; echo three; sleep 600");
  executor.launch(spec);
  await world.log.untilRunning(spec.key);
  const stop = new AbortController();
  const seen: (readonly [string, string, string])[] = [];
  for await (const { stream, data, position, atMs } of executor.watchOutput(spec.key, undefined, stop.signal)) {
    expect(Math.abs(Date.now() - (atMs ?? 0))).toBeLessThan(60_000);
    seen.push([stream, Buffer.from(data).toString(), position]);
    if (seen.length === 3) break;
  }
  expect(seen.map(([stream, text]) => `${stream}: ${text}`).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "stderr: two\n",
    "stdout: one\n",
    "stdout: three\n",
  ]);
  const again = executor.watchOutput(spec.key, seen[1]?.[2], stop.signal)[Symbol.asyncIterator]();
  const { value } = await again.next();
  expect(Buffer.from(value?.data ?? []).toString()).toBe("three\n");
  stop.abort();
  executor.stop(spec.key, 0, "the test is over");
  await world.log.untilEnded(spec.key);
});
