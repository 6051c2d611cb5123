/** What cannot be started on a real Docker Engine ends with a message that says why, and leaves nothing behind. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { DockerDev } from "../support/docker-dev.ts";

let world: DockerDev;

beforeAll(async () => {
  world = await DockerDev.start({ engine: { brokenRuntime: true } });
});
afterAll(() => world?.close());

// Together, since the attempts at the node's failures are half a minute apart in all.
test.concurrent("an image whose registry cannot be reached is tried again, and then the job has failed", async () => {
  // A name that no resolver knows, by its standard.
  const image = "registry.invalid/team/app:1";
  const id = await world.submit({ image });
  const waiting = await world.rest.jobWhen(id, ({ phase }) => phase === "held" || phase === "finished");
  const why = `could not pull image ${image}: `;
  expect(waiting).toMatchObject({
    state: "pending",
    message: expect.stringMatching(/^could not pull .* \(attempt 1 of 5\); next attempt at 20/),
  });
  expect(waiting.message).toContain(why);
  expect(await world.log(id)).toBe("");
  const end = await world.untilOver(id);
  expect(end).toMatchObject({ state: "failed", exit_code: null, attempt: 5 });
  expect(end.message).toMatch(/\(5 attempts could not start\)$/);
  expect(end.message).toContain(why);
  expect(await world.log(id)).toBe("");
  await world.untilCleared(id);
});

test.concurrent.each([
  ["a runtime that Docker does not know", ["--docker-runtime", "nope"], 0, "Docker has no runtime nope"],
  ["a runtime that is not installed", ["--docker-runtime", "broken"], 0, "Docker's runtime is missing on this node"],
  [
    "a grant that Docker cannot make",
    ["--gpu-grant", "device-requests"],
    1,
    "Docker cannot grant GPUs on this node: NVIDIA's container toolkit is not installed for it",
  ],
])("%s is named, and the job has failed after some attempts", async (_, flags, gpus, why) => {
  const other = await DockerDev.start({ on: world.engine, flags });
  try {
    const end = await other.run({ gpu_count: gpus, script: "true" });
    const message = `${why} (5 attempts could not start)`;
    expect(end).toMatchObject({ state: "failed", exit_code: null, attempt: 5, message });
    expect(await other.containers(end.job_id)).toEqual([]);
    expect(await other.rest.json("GET", "/cluster/status")).toMatchObject({ available_gpus: 4 });
  } finally {
    await other.close();
  }
});

test.each([
  [
    "a program that the image does not have",
    { command: ["no-such-program"] },
    "command not found in the image: no-such-program",
  ],
  ["a directory as the program", { command: ["/etc"] }, "command cannot be executed: /etc"],
  ["no command for an image without one", {}, "no command given, and the image has none"],
])("%s is the user's to mend, and is not tried again", async (_, fields, message) => {
  const end = await world.run(fields);
  expect(end).toMatchObject({ state: "failed", attempt: 1, message });
  await world.untilCleared(end.job_id);
});

test("a job without an image waits for a node that runs processes, says so, and can be cancelled", async () => {
  const id = await world.rest.submit({ tenant_id: "tenant-123", name: "plain", gpu_count: 1, script: "true" });
  const waiting = await world.rest.job(id);
  expect(waiting).toMatchObject({ state: "pending", phase: "queued", attempt: 0 });
  expect(waiting.message).toMatch(/^no node can ever run this: \S+ runs containers, and the job names no image$/);
  await world.rest.json("DELETE", `/jobs/${id}`);
  expect(await world.rest.job(id)).toMatchObject({ state: "cancelled", phase: "finished" });
});

test("in the end nothing is left and everything is free", async () => {
  await world.untilIdle();
});
