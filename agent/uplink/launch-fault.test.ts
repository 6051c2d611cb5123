import { expect, test } from "vitest";
import { asDeviceId } from "../../base/ids.ts";
import type { Launch__Output } from "../../proto/generated/gpusched/v1/Launch.ts";
import { launchFault, type NodeGrant } from "./launch-fault.ts";

const grant: NodeGrant = {
  devices: new Set([asDeviceId("gpu-1"), asDeviceId("gpu-2")]),
  cpuCores: 8,
  memoryMb: 1_000,
  allowsSharing: false,
};
const sharing = { ...grant, allowsSharing: true };
const launch = (given: Partial<Launch__Output>): Launch__Output =>
  ({
    environment: { GREETING: "a b", MASTER_ADDR: "h" },
    labels: { team: "vision" },
    command: ["true"],
    args: [],
    gpu_ids: ["gpu-1"],
    cpu_cores: 8,
    memory_mb: 1_000,
    ...given,
  }) as Launch__Output;

test("a launch within what the node gives is none", () => {
  expect(launchFault(launch({}), grant)).toBeUndefined();
  expect(launchFault(launch({ gpu_milli: 250 }), sharing)).toBeUndefined();
});

test.each<[string, Partial<Launch__Output>, string]>([
  ["a reserved variable", { environment: { NVIDIA_VISIBLE_DEVICES: "all" } }, "NVIDIA_VISIBLE_DEVICES is reserved"],
  ["a variable's name that is none", { environment: { "A=B": "" } }, "a name that is none"],
  ["a variable with a NUL", { environment: { A: "x\0" } }, "NUL"],
  ["a reserved label", { labels: { "gpusched.agent": "x" } }, "the label gpusched.agent is reserved"],
  ["a script with a NUL", { script: "x\0" }, "NUL"],
])("%s is the user's to mend", (_, given, message) => {
  const fault = launchFault(launch(given), grant);
  expect(fault).toMatchObject({ kind: "bad-request", message: expect.stringContaining(message) });
});

test.each<[string, Partial<Launch__Output>, NodeGrant, string]>([
  ["a GPU that is not there", { gpu_ids: ["gpu-3"] }, grant, "this node has no GPU gpu-3"],
  ["a GPU twice", { gpu_ids: ["gpu-1", "gpu-1"] }, grant, "twice"],
  ["a share where none is given", { gpu_milli: 500 }, grant, "does not share"],
  ["a share of none", { gpu_milli: 0 }, sharing, "at most all of it"],
  ["a share of more than all", { gpu_milli: 1_001 }, sharing, "at most all of it"],
  ["too many cores", { cpu_cores: 9 }, grant, "9 cores were granted"],
  ["fewer cores than none", { cpu_cores: -1 }, grant, "-1 cores were granted"],
  ["too much memory", { memory_mb: 1_001 }, grant, "1001 MB of memory were granted"],
])("%s is the leader's mistake", (_, given, of, message) => {
  expect(launchFault(launch(given), of)).toMatchObject({ kind: "node", message: expect.stringContaining(message) });
});

test("who has a share does not set it", () => {
  const environment = { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: "100" };
  expect(launchFault(launch({ environment, gpu_milli: 250 }), sharing)).toMatchObject({ kind: "bad-request" });
  expect(launchFault(launch({ environment }), sharing)).toBeUndefined();
});
