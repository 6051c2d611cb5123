import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../../base/ids.ts";
import type { LaunchSpec } from "../executor.ts";
import { containerName, labelsOf, parseLabels } from "./labels.ts";

const owner = { agentId: "agent-a", nodeName: "node-a", bootId: "boot-1" };
const spec: LaunchSpec = {
  key: { jobId: asJobId("job-7"), attempt: 2, rank: 3 },
  tenantId: "tenant-1",
  jobName: "train",
  deviceIds: [asDeviceId("GPU-1"), asDeviceId("GPU-2")],
  cpuCores: 1,
  memoryMb: 64,
  image: "x",
  command: [],
  args: [],
  script: undefined,
  environment: {},
  labels: { team: "vision" },
  graceMs: 1_500,
  requeueOnNodeLost: true,
};

test("what is written on a container can be read back", () => {
  expect(parseLabels(labelsOf(spec, owner))).toEqual({
    key: spec.key,
    deviceIds: spec.deviceIds,
    graceMs: 1_500,
    requeueOnNodeLost: true,
    agentId: "agent-a",
    bootId: "boot-1",
  });
  expect(containerName(spec.key)).toBe("gpusched-job-7-2-3");
});

test("a share of a device is written down, and a whole one is not", () => {
  const labels = labelsOf({ ...spec, deviceIds: [asDeviceId("GPU-1")], gpuMilli: 250 }, owner);
  expect(labels["gpusched.milli"]).toBe("250");
  expect(parseLabels(labels)).toMatchObject({ deviceIds: ["GPU-1"], gpuMilli: 250 });
  expect(parseLabels(labelsOf(spec, owner))?.gpuMilli).toBeUndefined();
  expect(parseLabels({ ...labels, "gpusched.milli": "much" })?.gpuMilli).toBeUndefined();
});

test("a job's own labels cannot take the place of ours", () => {
  const labels = labelsOf({ ...spec, labels: { agent: "other", "x.y": "z" } }, owner);
  expect(labels).toMatchObject({
    "gpusched.agent": "agent-a",
    "gpusched.label.agent": "other",
    "gpusched.label.x.y": "z",
  });
});

test.each([
  ["no labels", {}],
  ["no job", { "gpusched.agent": "agent-a", "gpusched.grace-ms": "1" }],
  ["a broken grace", { ...labelsOf(spec, owner), "gpusched.grace-ms": "soon" }],
  ["no agent", { ...labelsOf(spec, owner), "gpusched.agent": "" }],
])("a container with %s is not ours", (_, labels) => {
  expect(parseLabels(labels)).toBeUndefined();
});
