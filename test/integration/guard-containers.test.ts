/** The guard on a real engine: it kills what may run elsewhere, whether the engine answers or not, and nothing else. */
import { existsSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { EngineClient } from "../../agent/executor/docker/engine-client.ts";
import type { Executor } from "../../agent/executor/executor.ts";
import { Containers } from "../../agent/guard/containers.ts";
import { silentLogger } from "../../base/logger.ts";
import { containerNameOf, DockerExecutorWorld, job } from "../support/docker-executor-world.ts";

const patience = { timeout: 60_000, interval: 50 };
const MARK = { agentId: "agent-a", bootId: "", goneByMs: 0 };

let world: DockerExecutorWorld;
let executor: Executor;
const closing = new AbortController();

beforeAll(async () => {
  world = await DockerExecutorWorld.start({});
  executor = await world.executor();
});
afterEach(() => world.engine.resume());
afterAll(async () => {
  closing.abort();
  await world?.close();
});

/** Two jobs, of which one waits for its node, as the pids of their first processes. */
async function twoJobs() {
  const run = async (requeueOnNodeLost: boolean) => {
    const spec = job("sleep 600", { requeueOnNodeLost });
    executor.launch(spec);
    await world.log.untilRunning(spec.key);
    const { State } = await world.engine.docker.getContainer(containerNameOf(spec.key)).inspect();
    return { key: spec.key, pid: State.Pid };
  };
  return { goes: await run(true), waits: await run(false) };
}

test.each([
  { engine: "an engine that answers", isPaused: false },
  { engine: "an engine that hangs", isPaused: true },
])("with $engine what may run elsewhere is killed, and what waits for its node goes on", async ({ isPaused }) => {
  const { goes, waits } = await twoJobs();
  const containers = new Containers(new EngineClient(world.engine.socketPath, closing.signal), silentLogger);
  containers.look(MARK);
  await containers.settled();
  if (isPaused) await world.engine.pause();
  await containers.kill(MARK);
  await expect.poll(() => existsSync(`/proc/${goes.pid}/exe`), patience).toBe(false);
  expect(existsSync(`/proc/${waits.pid}`)).toBe(true);
  world.engine.resume();
  await containers.settled();
  expect(await world.log.untilEnded(goes.key)).toMatchObject({ end: { kind: "exited", exitCode: 137 } });
  expect(world.log.of(waits.key).at(-1)).toMatchObject({ phase: "running" });
  executor.stop(waits.key, 0, "the test is over");
  await world.log.untilEnded(waits.key);
});

test("containers of another agent on the engine are left alone", async () => {
  const { goes, waits } = await twoJobs();
  const containers = new Containers(new EngineClient(world.engine.socketPath, closing.signal), silentLogger);
  containers.look({ ...MARK, agentId: "agent-b" });
  await containers.settled();
  await containers.kill({ ...MARK, agentId: "agent-b" });
  await containers.settled();
  for (const { key } of [goes, waits]) {
    expect(world.log.of(key).at(-1)).toMatchObject({ phase: "running" });
    executor.stop(key, 0, "the test is over");
    await world.log.untilEnded(key);
  }
});
