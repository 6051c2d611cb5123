import { expect, test } from "vitest";
import { asJobId } from "../../../base/ids.ts";
import { silentLogger } from "../../../base/logger.ts";
import { DEFAULT_CONTAINER_POLICY } from "../../policy/container-policy.ts";
import type { AllocationState, LaunchSpec } from "../executor.ts";
import { Allocation } from "./allocation.ts";
import { Discards } from "./discards.ts";
import { EngineError } from "./engine-client.ts";
import { Launcher, type LauncherOptions } from "./launcher.ts";

const NAME = "gpusched-job-1-1-0";
const spec: LaunchSpec = {
  key: { jobId: asJobId("job-1"), attempt: 1, rank: 0 },
  tenantId: "tenant-1",
  jobName: "train",
  deviceIds: [],
  cpuCores: 1,
  memoryMb: 64,
  image: "image",
  command: ["train"],
  args: [],
  script: undefined,
  environment: {},
  labels: {},
  graceMs: 0,
  requeueOnNodeLost: true,
};
const unanswered = new EngineError("Docker does not answer", undefined, undefined);
const runs: AllocationState = { phase: "running", startedAtMs: 1, stopping: false };

/** Launches on an engine that does what is given, and creates, starts and removes without a word otherwise. */
function launchOn(given: Partial<LauncherOptions["engine"]>, observe?: (allocation: Allocation) => Promise<boolean>) {
  const calls: string[] = [];
  const record = (call: string) => async (): Promise<void> => void calls.push(call);
  const engine: LauncherOptions["engine"] = {
    create: async () => "id",
    start: record("start"),
    inspect: async () => undefined,
    remove: record("remove"),
    unpack: async () => {},
    ...given,
  };
  const discards = new Discards(engine, silentLogger);
  const owner = { agentId: "agent-a", nodeName: "node-a", bootId: "boot-1" };
  const policy = DEFAULT_CONTAINER_POLICY;
  const grant = { kind: "none", reason: "", devices: new Map() } as const;
  const launcher = new Launcher({
    engine,
    networks: { using: (_, task) => task(), provide: async () => undefined },
    images: { provide: async () => void calls.push("provide"), wanting: (_, task) => task() },
    discards,
    closing: AbortSignal.timeout(15_000),
    log: silentLogger,
    policy,
    host: async () => ({
      owner,
      engineId: "engine-a",
      cpus: 1,
      hasInit: true,
      grant,
      runtime: undefined,
      policy,
      isRemapped: false,
      cgroupVersion: "2",
    }),
    volumeRules: async () => ({ prefixes: [], reserved: [], user: policy.user }),
    observe:
      observe ??
      (async (it) => {
        it.become(runs);
        return true;
      }),
  });
  const { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost } = spec;
  const facts = { key, deviceIds, gpuMilli, graceMs, requeueOnNodeLost, isFromEarlierBoot: false };
  const allocation = new Allocation(facts, { phase: "starting", message: "" }, () => undefined);
  return { allocation, calls, discards, done: launcher.launch(allocation, spec) };
}

function failing(error: Error): () => Promise<never> {
  return async () => {
    throw error;
  };
}

test("a launch that is answered throughout leaves a running container", async () => {
  const { allocation, calls, done } = launchOn({});
  await done;
  expect(allocation.state).toEqual(runs);
  expect(calls).toEqual(["provide", "start"]);
});

test("a creation that is not answered ends the launch, and what may still come of it is remembered", async () => {
  const { allocation, discards, done } = launchOn({ create: failing(unanswered) });
  await done;
  expect(allocation.state).toMatchObject({ end: { kind: "node", message: "Docker does not answer" } });
  expect(discards.has(NAME)).toBe(true);
});

test("an image that is removed before its container is created is provided once more", async () => {
  const gone = new EngineError("No such image: image:latest", 404, undefined);
  let creations = 0;
  const create = async (): Promise<string> => {
    creations += 1;
    if (creations === 1) throw gone;
    return "id";
  };
  const { allocation, calls, done } = launchOn({ create });
  await done;
  expect(calls).toEqual(["provide", "provide", "start"]);
  expect(allocation.state).toEqual(runs);

  const never = launchOn({ create: failing(gone) });
  await never.done;
  expect(never.calls).toEqual(["provide", "provide", "provide"]);
  expect(never.allocation.state).toMatchObject({
    end: { kind: "node", message: "image image is removed as soon as it is there" },
  });
});

test("a start that is refused removes the container before its end is told", async () => {
  const { allocation, calls, done } = launchOn({ start: failing(new EngineError("no space left", 500, undefined)) });
  await done;
  expect(calls).toEqual(["provide", "remove"]);
  expect(allocation.state).toMatchObject({ end: { kind: "node" } });
});

test("a network that is gone when the container is started is made once more", async () => {
  let starts = 0;
  const start = async (): Promise<void> => {
    starts += 1;
    if (starts === 1) throw new EngineError("network gpusched-0123 not found", 404, undefined);
  };
  const { allocation, calls, done } = launchOn({ start });
  await done;
  expect([starts, calls]).toEqual([2, ["provide"]]);
  expect(allocation.state).toEqual(runs);
});

test("a start that is not answered and has happened is a running job", async () => {
  const { allocation, calls, done } = launchOn({ start: failing(unanswered) });
  await done;
  expect(allocation.state).toEqual(runs);
  expect(calls).toEqual(["provide"]);
});

test("a start that is not answered and has not happened is told as an end once it cannot happen any more", async () => {
  let answers = false;
  const states: string[] = [];
  const { allocation, calls, done } = launchOn({ start: failing(unanswered) }, async (it) => {
    states.push(it.state.phase);
    if (answers) return false;
    answers = true;
    throw unanswered;
  });
  await done;
  expect(states).toEqual(["starting", "starting"]);
  expect(calls).toEqual(["provide", "remove"]);
  expect(allocation.state).toMatchObject({
    phase: "ended",
    end: { kind: "node", message: "Docker did not answer while the container was being started" },
  });
});

test("a container that was created for a job which is stopped meanwhile is never started", async () => {
  const world = launchOn({
    create: async () => {
      world.allocation.stopBy(0);
      return "id";
    },
  });
  await world.done;
  expect(world.calls).toEqual(["provide", "remove"]);
  expect(world.allocation.state).toMatchObject({ end: { kind: "node", message: "stopped before it started" } });
});

test("a container of that name which is another agent's is left alone", async () => {
  const taken = { Config: { Labels: {} }, State: { Status: "running" } } as never;
  const { allocation, calls, done } = launchOn({
    create: failing(new EngineError("name in use", 409, undefined)),
    inspect: async () => taken,
  });
  await done;
  expect(calls).toEqual(["provide"]);
  expect(allocation.state).toMatchObject({ end: { message: `Docker has another container named ${NAME}` } });
});
