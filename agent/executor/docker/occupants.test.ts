import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../../base/ids.ts";
import { silentLogger } from "../../../base/logger.ts";
import { launchSpec } from "../../../test/support/allocation-log.ts";
import { identifyChild } from "../process/proc-fs.ts";
import type { Occupant } from "../executor.ts";
import { labelsOf } from "./labels.ts";
import { listOccupants, reapContainer } from "./occupants.ts";

const ID = "c".repeat(64);
const KEY = { jobId: asJobId("job-7"), attempt: 2, rank: 0 };

function labels(agentId = "agent-a") {
  const spec = { ...launchSpec({ key: KEY, script: "" }), deviceIds: [asDeviceId("gpu-1")] };
  return labelsOf(spec, { agentId, nodeName: "n", bootId: "b" });
}

const occupant: Occupant = {
  id: ID,
  kind: "container",
  agentId: "agent-a",
  key: KEY,
  deviceIds: [asDeviceId("gpu-1")],
  isRunning: true,
};

/** An engine on which the container is in that state, or is not. */
function engine(status: string | undefined, agentId = "agent-a") {
  const killed: string[] = [];
  const inspected = { Config: { Labels: labels(agentId) }, State: { Status: status } };
  return {
    killed,
    inspect: async () => (status === undefined ? undefined : (inspected as never)),
    kill: async (id: string, signal: string) => {
      killed.push(`${id} ${signal}`);
      return true;
    },
  };
}

const asked = { agentId: "agent-a", isOver: () => true, log: silentLogger };

test("the containers of every agent are told, and those of nobody are not", async () => {
  const list = async () => [
    { Id: "1", Labels: labels(), State: "running" },
    { Id: "2", Labels: labels("agent-b"), State: "paused" },
    { Id: "3", Labels: labels(), State: "exited" },
    { Id: "4", Labels: { "gpusched.agent": "agent-a" }, State: "running" },
  ];
  const told = await listOccupants({ list: list as never });
  expect(told).toEqual([
    { ...occupant, id: "1" },
    { ...occupant, id: "2", agentId: "agent-b" },
    { ...occupant, id: "3", isRunning: false },
  ]);
});

test("what is over and ours is killed by its id", async () => {
  const docker = engine("running");
  expect(await reapContainer(occupant, [], { ...asked, engine: docker })).toBe(true);
  expect(docker.killed).toEqual([`${ID} SIGKILL`]);
});

test.each<[string, ReturnType<typeof engine>, Partial<Occupant>, boolean]>([
  ["another agent's by its labels", engine("running", "agent-b"), {}, true],
  ["another agent's by what is told of it", engine("running"), { agentId: "agent-b" }, true],
  ["of an allocation that has not ended", engine("running"), {}, false],
  ["not running", engine("exited"), {}, true],
  ["unknown to the engine", engine(undefined), {}, true],
])(
  "one that is %s is not killed, and no process that is in no control group of it",
  async (_, docker, more, isOver) => {
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    await once(child, "spawn");
    try {
      const stranger = identifyChild(child.pid ?? 0);
      const options = { ...asked, engine: docker, isOver: () => isOver };
      expect(await reapContainer({ ...occupant, ...more }, [stranger], options)).toBe(false);
      expect(docker.killed).toEqual([]);
      expect(child.exitCode ?? child.signalCode).toBeNull();
    } finally {
      child.kill("SIGKILL");
    }
  },
);
