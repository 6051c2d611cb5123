/** Docker hangs, dies or is not there, and the program itself is killed: jobs and what is known of them outlive it. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { DockerDev, eventually, UNTIL_TOLD } from "../support/docker-dev.ts";

let world: DockerDev;

beforeAll(async () => {
  world = await DockerDev.start({});
});
afterEach(() => world.engine.resume());
afterAll(() => world?.close());

/** What the one node says of itself. */
async function node(): Promise<{ readonly message: string } | undefined> {
  return (await world.rest.json<{ nodes: { message: string }[] }>("GET", "/nodes")).nodes[0];
}

test("a job waits while Docker hangs, says so, and runs when Docker answers again", async () => {
  await world.engine.pause();
  // At once, when the node still believes that Docker answers, and when it knows.
  const early = await world.submit({ gpu_count: 1, script: "echo early" });
  await eventually("the node tells", async () => /Docker does not answer/.test((await node())?.message ?? ""));
  const late = await world.submit({ gpu_count: 1, script: "echo late" });
  for (const id of [early, late]) {
    const { state } = await world.rest.jobWhen(id, ({ message }) => /Docker does not answer/.test(message));
    expect(state).toBe("pending");
  }
  world.engine.resume();
  for (const id of [early, late]) {
    const { job_id, state } = await world.untilOver(id);
    expect(state).toBe("completed");
    expect(await world.log(job_id)).toBe(id === early ? "early\n" : "late\n");
    await world.untilCleared(id);
  }
});

test("a job goes on while Docker is dead, and its true exit code is known when Docker is back", async () => {
  const [ends, goesOn] = await Promise.all([
    world.submit({ script: `echo up; ${UNTIL_TOLD}; sleep 1; exit 41` }),
    world.submit({ gpu_count: 2, script: `echo up; ${UNTIL_TOLD}; echo over; exit 42` }),
  ]);
  await Promise.all([ends, goesOn].map((id) => world.untilLogged(id, "up\n")));
  await world.tell(ends);
  await world.engine.kill();
  await eventually("the node tells", async () => /Docker does not answer/.test((await node())?.message ?? ""));
  for (const id of [ends, goesOn]) expect(await world.rest.job(id)).toMatchObject({ state: "running" });
  await world.engine.restart();
  expect(await world.untilOver(ends)).toMatchObject({ state: "failed", exit_code: 41, attempt: 1 });
  expect(await world.rest.job(goesOn)).toMatchObject({ state: "running" });
  await world.tell(goesOn);
  expect(await world.untilOver(goesOn)).toMatchObject({ state: "failed", exit_code: 42, attempt: 1 });
  expect(await world.log(ends)).toBe("up\n");
  expect(await world.log(goesOn)).toBe("up\nover\n");
});

test("containers outlive the program when it is killed, and the next one adopts them", async () => {
  const lines = "for i in 1 2 3; do echo line $i; done";
  const [ends, goesOn] = await Promise.all([
    world.submit({ gpu_count: 1, script: `${lines}; ${UNTIL_TOLD}; echo over; exit 51` }),
    world.submit({ gpu_count: 1, script: `${lines}; ${UNTIL_TOLD}; echo over; exit 52` }),
  ]);
  await Promise.all([ends, goesOn].map((id) => world.untilLogged(id, "line 3\n")));
  const before = await world.containerId(goesOn);
  await world.dev.kill();
  await world.tell(ends);
  await world.engine.docker.getContainer(await world.containerId(ends)).wait();
  await world.startDev();

  expect(await world.untilOver(ends)).toMatchObject({ state: "failed", exit_code: 51, attempt: 1 });
  expect(await world.rest.job(goesOn)).toMatchObject({ state: "running" });
  expect(await world.rest.json("GET", "/cluster/status")).toMatchObject({ available_gpus: 3, running_jobs: 1 });
  expect(await world.containerId(goesOn)).toBe(before);
  await world.tell(goesOn);
  expect(await world.untilOver(goesOn)).toMatchObject({ state: "failed", exit_code: 52, attempt: 1 });
  for (const id of [ends, goesOn]) {
    expect(await world.log(id)).toBe("line 1\nline 2\nline 3\nover\n");
    await world.untilCleared(id);
  }
});

test("started without Docker, it says so, and takes jobs that run once Docker is there", async () => {
  const before = await world.submit({ gpu_count: 1, script: `echo up; ${UNTIL_TOLD}; exit 61` });
  await world.untilLogged(before, "up\n");
  await world.dev.stop();
  await world.engine.kill();
  await world.startDev();
  expect(world.dev.output()).toMatch(/note .*Docker does not answer at \S+docker\.sock: nothing listens there/);
  const after = await world.submit({ gpu_count: 1, script: "exit 62" });
  const message = expect.stringMatching(/^waiting for a node: \S+ is unreachable$/);
  expect(await world.rest.job(after)).toMatchObject({ state: "pending", message });
  expect(await world.rest.job(before)).toMatchObject({ state: "running", attempt: 1 });

  await world.engine.restart();
  expect(await world.untilOver(after)).toMatchObject({ state: "failed", exit_code: 62 });
  await world.tell(before);
  expect(await world.untilOver(before)).toMatchObject({ state: "failed", exit_code: 61, attempt: 1 });
});

test("in the end nothing is left and everything is free", async () => {
  await world.untilIdle();
});
