import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../../base/ids.ts";
import { DEFAULT_CONTAINER_POLICY } from "../../policy/container-policy.ts";
import type { LaunchSpec } from "../executor.ts";
import { containerOptions, type HostFacts } from "./container-options.ts";

const spec: LaunchSpec = {
  key: { jobId: asJobId("job-7"), attempt: 1, rank: 0 },
  tenantId: "tenant-1",
  jobName: "train",
  deviceIds: [asDeviceId("GPU-1")],
  gpuMilli: 500,
  cpuCores: 1,
  memoryMb: 64,
  image: "x",
  command: [],
  args: [],
  script: undefined,
  environment: {},
  labels: {},
  graceMs: 0,
  requeueOnNodeLost: true,
};
const host: HostFacts = {
  owner: { agentId: "a", nodeName: "n", bootId: "b" },
  engineId: "engine-a",
  cpus: 8,
  hasInit: true,
  grant: { kind: "cdi", reason: "", devices: new Map() },
  runtime: undefined,
  policy: DEFAULT_CONTAINER_POLICY,
  isRemapped: false,
  cgroupVersion: "2",
};
const looked = { image: "x", volumes: [], asImageUser: false };

test("several containers are granted one device, each with its share on its labels", () => {
  const other = { ...spec, key: { ...spec.key, jobId: asJobId("job-8") }, gpuMilli: 250 };
  const [first, second] = [spec, other].map((it) => containerOptions(it, looked, host));
  const granted = [{ Driver: "cdi", DeviceIDs: ["nvidia.com/gpu=GPU-1"] }];
  expect(first?.HostConfig).toMatchObject({ DeviceRequests: granted, IpcMode: "private" });
  expect(second?.HostConfig?.DeviceRequests).toEqual(granted);
  expect([first, second].map((it) => it?.Labels?.["gpusched.milli"])).toEqual(["500", "250"]);
});

test("NVIDIA's daemon is reached only by who is held to a share by it", () => {
  const { HostConfig } = containerOptions({ ...spec, mpsDirectory: "/tmp/nvidia-mps" }, looked, host);
  expect(HostConfig).toMatchObject({ IpcMode: "host", Binds: ["/tmp/nvidia-mps:/tmp/nvidia-mps"] });
  expect(containerOptions(spec, looked, host).HostConfig).not.toHaveProperty("Binds");
});

test("/dev/shm is half of the memory, or as large as was asked for", () => {
  const sizeOf = (over: Partial<LaunchSpec>) =>
    containerOptions({ ...spec, ...over }, looked, host).HostConfig?.ShmSize;
  expect(sizeOf({})).toBe(32 * 1024 * 1024);
  expect(sizeOf({ shmSizeMb: 3 })).toBe(3 * 1024 * 1024);
});
