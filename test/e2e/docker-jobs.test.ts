/** Jobs through REST on a real Docker Engine: what their containers are given, and how their ends arrive. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { DockerDev, eventually, UNTIL_TOLD } from "../support/docker-dev.ts";
import { TEST_IMAGE } from "../support/docker-engine.ts";

const MIB = 1024 * 1024;
/** The test image with an entry point, and an environment that asks for all devices as NVIDIA's images do. */
const ENTRY_IMAGE = "test/entry:1";

/** Submissions that are under way together. */
const AT_ONCE = 16;

let world: DockerDev;
/** Runs into its time limit, a minute after the start, while the other tests run. */
let overlong: string;

beforeAll(async () => {
  world = await DockerDev.start({ engine: { nvidiaRuntime: true } });
  overlong = await world.submit({ script: `trap 'echo told; exit 0' TERM; ${UNTIL_TOLD}`, max_runtime_minutes: 1 });
  await importEntryImage();
});
afterAll(() => world?.close());

async function importEntryImage(): Promise<void> {
  const container = await world.engine.docker.createContainer({ Image: TEST_IMAGE, Cmd: ["true"] });
  const [repo, tag] = ENTRY_IMAGE.split(":");
  const config = { Entrypoint: ["/bin/echo", "entry"], Cmd: ["cmd"], Env: ["NVIDIA_VISIBLE_DEVICES=all"] };
  await container.commit({ repo, tag, ...config });
  await container.remove();
}

test("a job is one container with the devices, limits, environment and labels that it was granted", async () => {
  const id = await world.submit({
    name: "train",
    gpu_count: 2,
    cpu_cores: 1,
    memory_mb: 128,
    shm_size_mb: 24,
    environment: { GREETING: "a b=c", EMPTY: "" },
    labels: { team: "vision" },
    preemption_grace_seconds: 7,
    on_node_lost: "requeue",
    script: `env; ${UNTIL_TOLD}`,
  });
  const { allocated_gpus: gpus } = await world.untilRunning(id);
  expect(gpus).toHaveLength(2);
  const details = await world.engine.docker.getContainer(await world.containerId(id)).inspect();
  expect(details.Config.Image).toBe(TEST_IMAGE);
  expect(details.Config.Labels).toEqual({
    "gpusched.agent": expect.any(String),
    "gpusched.node": expect.any(String),
    "gpusched.boot": expect.any(String),
    "gpusched.job": id,
    "gpusched.attempt": "1",
    "gpusched.rank": "0",
    "gpusched.tenant": "tenant-123",
    "gpusched.devices": gpus.join(","),
    "gpusched.milli": "",
    "gpusched.grace-ms": "7000",
    "gpusched.requeue": "true",
    "gpusched.label.team": "vision",
  });
  expect(details.HostConfig).toMatchObject({
    Memory: 128 * MIB,
    MemorySwap: 128 * MIB,
    ShmSize: 24 * MIB,
    NanoCpus: 1e9,
    PidsLimit: 4_096,
    Runtime: "nvidia",
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    Privileged: false,
    Binds: null,
    RestartPolicy: { Name: "no" },
  });

  const environment = [
    "GREETING=a b=c",
    "EMPTY=",
    `GPUSCHED_JOB_ID=${id}`,
    "GPUSCHED_ATTEMPT=1",
    "GPUSCHED_TENANT_ID=tenant-123",
    `GPUSCHED_NODE_NAME=${details.Config.Labels["gpusched.node"]}`,
    `NVIDIA_VISIBLE_DEVICES=${gpus.join(",")}`,
    "CUDA_VISIBLE_DEVICES=0,1",
  ];
  const [recorded, ...others] = await world.recorded(id);
  expect(others).toEqual([]);
  expect(recorded?.process).toMatchObject({ env: expect.arrayContaining(environment), noNewPrivileges: true });
  expect(recorded?.process.capabilities?.["bounding"] ?? []).toEqual([]);
  expect(recorded?.linux.resources).toMatchObject({
    memory: { limit: 128 * MIB, swap: 128 * MIB },
    cpu: { quota: 100_000, period: 100_000 },
    pids: { limit: 4_096 },
  });

  await world.tell(id);
  expect(await world.untilOver(id)).toMatchObject({ state: "completed", message: "exit code 0", exit_code: 0 });
  expect((await world.log(id)).split("\n")).toEqual(expect.arrayContaining(environment));
  await world.untilCleared(id);
});

test("two jobs hold different GPUs, and a third waits until one is back", async () => {
  const [first, second] = await Promise.all([1, 2].map(() => world.submit({ gpu_count: 2, script: UNTIL_TOLD })));
  if (!first || !second) throw new Error("two were submitted");
  const held = [
    ...(await world.untilRunning(first)).allocated_gpus,
    ...(await world.untilRunning(second)).allocated_gpus,
  ];
  expect(new Set(held).size).toBe(4);
  const third = await world.submit({ gpu_count: 1, script: "echo $NVIDIA_VISIBLE_DEVICES" });
  expect(await world.rest.job(third)).toMatchObject({
    state: "pending",
    message: "waiting for 1 more GPU: 0 of 4 are free",
  });
  await world.tell(first);
  const { state, allocated_gpus: gpus } = await world.untilOver(third);
  expect(state).toBe("completed");
  expect(await world.log(third)).toBe(`${gpus[0]}\n`);
  await world.tell(second);
  await Promise.all([first, second].map((id) => world.untilOver(id)));
});

test("a job without GPUs sees none, even if its image asks for all", async () => {
  const script = 'echo "[$NVIDIA_VISIBLE_DEVICES] [$CUDA_VISIBLE_DEVICES]"';
  const { job_id: id, state } = await world.run({ image: ENTRY_IMAGE, script });
  expect(state).toBe("completed");
  expect(await world.log(id)).toBe("[void] []\n");
});

const PRINT_FIRST = 'echo "first: $0"';

test.each([
  ["the image's own entry point", {}, ["/bin/echo", "entry", "cmd"], "entry cmd"],
  ["the entry point with args", { args: ["a", "b c"] }, ["/bin/echo", "entry", "a", "b c"], "entry a b c"],
  ["a command", { command: ["/bin/echo", "c"] }, ["/bin/echo", "c"], "c"],
  ["a command and args", { command: ["/bin/echo"], args: ["a"] }, ["/bin/echo", "a"], "a"],
  ["a command and a script", { command: ["/bin/echo"], script: "exit 1" }, ["/bin/echo", "exit 1"], "exit 1"],
  [
    "a command, args and a script",
    { command: ["/bin/echo", "c"], args: ["a"], script: "s" },
    ["/bin/echo", "c", "a", "s"],
    "c a s",
  ],
  ["a script", { script: PRINT_FIRST }, ["/bin/sh", "-c", PRINT_FIRST], "first: /bin/sh"],
  ["args and a script", { args: [PRINT_FIRST], script: "s" }, ["/bin/sh", "-c", PRINT_FIRST, "s"], "first: s"],
])("%s runs", async (_, fields, argv, output) => {
  const { job_id: id, state } = await world.run({ image: ENTRY_IMAGE, gpu_count: 1, ...fields });
  expect(state).toBe("completed");
  expect(await world.log(id)).toBe(`${output}\n`);
  const [recorded] = await world.recorded(id);
  // Docker's init, where there is one, and its `--` stand before.
  expect(recorded?.process.args.slice(-argv.length)).toEqual(argv);
});

test("every exit code from 0 to 255 arrives as it is", async () => {
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const script = (code: number) => ({ name: "exit", memory_mb: 16, script: `exit ${code}` });
  const ids: string[] = [];
  // More at once may be refused for the moment, on a host that has much else to do.
  for (let from = 0; from < codes.length; from += AT_ONCE) {
    ids.push(...(await Promise.all(codes.slice(from, from + AT_ONCE).map((code) => world.submit(script(code))))));
  }
  const unfinished = "/jobs?name=exit&state=pending,running&limit=1";
  await eventually(
    "all have ended",
    async () => (await world.rest.json<{ total: number }>("GET", unfinished)).total === 0,
  );
  const ends = await Promise.all(ids.map((id) => world.rest.job(id)));
  const outcomes = ends.map(({ state, exit_code, attempt, message }) => ({ state, exit_code, attempt, message }));
  const isPlain = (code: number) => code <= 128 || code > 128 + 64;
  expect(outcomes).toEqual(
    codes.map((code) => ({
      state: code === 0 ? "completed" : "failed",
      exit_code: code,
      attempt: 1,
      message: isPlain(code)
        ? `exit code ${code}${code === 255 ? ": Docker says this too when it has lost the true one" : ""}`
        : expect.stringMatching(`^exit code ${code}(: 128 \\+ SIG[A-Z0-9]+)?$`),
    })),
  );
});

test.each(["HUP", "INT", "KILL", "SEGV", "TERM", "USR1"] as const)("a job that SIG%s ends says so", async (name) => {
  const exitCode = { HUP: 129, INT: 130, KILL: 137, SEGV: 139, TERM: 143, USR1: 138 }[name];
  const message = `exit code ${exitCode}: 128 + SIG${name}`;
  expect(await world.run({ script: `kill -${name} $$` })).toMatchObject({
    state: "failed",
    exit_code: exitCode,
    message,
  });
});

test("a container that someone kills from outside has failed", async () => {
  const id = await world.submit({ script: UNTIL_TOLD });
  await world.untilRunning(id);
  await world.engine.docker.getContainer(await world.containerId(id)).kill();
  const message = "exit code 137: 128 + SIGKILL";
  expect(await world.untilOver(id)).toMatchObject({ state: "failed", exit_code: 137, message });
});

test("a job that runs out of memory says so, also when only a part of it is killed", async () => {
  const fill = "tail /dev/zero";
  const [whole, part] = await Promise.all([
    world.run({ memory_mb: 64, script: `exec ${fill}` }),
    world.run({ memory_mb: 32, script: `${fill}; echo survived; exit 0` }),
  ]);
  const failed = { state: "failed" };
  expect(whole).toMatchObject({ ...failed, exit_code: 137, message: "exit code 137: out of memory (limit 64 MB)" });
  expect(part).toMatchObject({ ...failed, exit_code: 0, message: "exit code 0: out of memory (limit 32 MB)" });
  expect(await world.log(part.job_id)).toContain("survived\n");
});

test("a cancelled job is asked to end, and its GPUs are free when it is gone", async () => {
  const script = `trap 'echo asked; ${UNTIL_TOLD}; exit 3' TERM; echo up; while :; do sleep 0.05; done`;
  const id = await world.submit({ gpu_count: 4, preemption_grace_seconds: 3_600, script });
  await world.untilLogged(id, "up\n");
  expect(await world.rest.json("DELETE", `/jobs/${id}`)).toEqual({ message: "Job cancelled successfully" });
  expect(await world.rest.job(id)).toMatchObject({ state: "cancelled", phase: "stopping" });
  await world.untilLogged(id, "asked\n");
  expect(await world.rest.json("GET", "/cluster/status")).toMatchObject({ available_gpus: 0 });
  await world.tell(id);
  expect(await world.untilOver(id)).toMatchObject({ state: "cancelled", allocations: [{ exit_code: 3 }] });
  expect(await world.rest.json("GET", "/cluster/status")).toMatchObject({ available_gpus: 4 });
  await world.untilCleared(id);
});

test("a cancelled job that does not listen is killed when its grace is over", async () => {
  const script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
  const id = await world.submit({ preemption_grace_seconds: 1, script });
  await world.untilLogged(id, "up\n");
  await world.rest.json("DELETE", `/jobs/${id}`);
  expect(await world.untilOver(id)).toMatchObject({ state: "cancelled", allocations: [{ exit_code: 137 }] });
  await world.untilCleared(id);
});

test("a job beyond its time limit is stopped and has failed", async () => {
  const message = "exceeded max runtime of 1 minutes";
  expect(await world.untilOver(overlong)).toMatchObject({ state: "failed", message, allocations: [{ exit_code: 0 }] });
  expect(await world.log(overlong)).toBe("told\n");
});

test("in the end nothing is left and everything is free", async () => {
  await world.untilIdle();
});
