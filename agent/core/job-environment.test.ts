import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import { type JobEnvironmentFacts, jobEnvironment } from "./job-environment.ts";

const facts: JobEnvironmentFacts = {
  key: { jobId: asJobId("job-17"), attempt: 2, rank: 1 },
  tenantId: "tenant-1",
  nodeName: "n1",
  deviceIds: [asDeviceId("GPU-a"), asDeviceId("GPU-b")],
  executor: "process",
};

test("the documented variables are added to the user's", () => {
  expect(jobEnvironment({ RANK: "1", EMPTY: "" }, facts)).toEqual({
    RANK: "1",
    EMPTY: "",
    GPUSCHED_JOB_ID: "job-17",
    GPUSCHED_ATTEMPT: "2",
    GPUSCHED_TENANT_ID: "tenant-1",
    GPUSCHED_NODE_NAME: "n1",
    NVIDIA_VISIBLE_DEVICES: "GPU-a,GPU-b",
    CUDA_VISIBLE_DEVICES: "GPU-a,GPU-b",
  });
});

test("in a container the devices count from 0", () => {
  const environment = jobEnvironment({}, { ...facts, executor: "docker" });
  expect(environment).toMatchObject({ NVIDIA_VISIBLE_DEVICES: "GPU-a,GPU-b", CUDA_VISIBLE_DEVICES: "0,1" });
});

test.each(["docker", "process"] as const)("with %s a job without devices sees none", (executor) => {
  const environment = jobEnvironment({}, { ...facts, deviceIds: [], executor });
  expect(environment).toMatchObject({ NVIDIA_VISIBLE_DEVICES: "void", CUDA_VISIBLE_DEVICES: "" });
});

test("no variable that is given can widen the grant or pose as the agent's", () => {
  const given = {
    NVIDIA_VISIBLE_DEVICES: "all",
    CUDA_VISIBLE_DEVICES: "7",
    NVIDIA_MIG_CONFIG_DEVICES: "all",
    GPUSCHED_JOB_ID: "job-1",
  };
  const environment = jobEnvironment(given, facts);
  expect(environment).toMatchObject({ NVIDIA_VISIBLE_DEVICES: "GPU-a,GPU-b", CUDA_VISIBLE_DEVICES: "GPU-a,GPU-b" });
  expect(environment).not.toHaveProperty("NVIDIA_MIG_CONFIG_DEVICES");
  expect(environment["GPUSCHED_JOB_ID"]).toBe("job-17");
});

test("a job of an array knows which it is", () => {
  const environment = jobEnvironment({}, { ...facts, array: { id: "job-9", index: 0 } });
  expect(environment).toMatchObject({ GPUSCHED_ARRAY_ID: "job-9", GPUSCHED_ARRAY_INDEX: "0" });
});

test("a share of a device is told, and enforced where NVIDIA's daemon runs", () => {
  const given = { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: "100", CUDA_MPS_PIPE_DIRECTORY: "/elsewhere" };
  const share = { milli: 255, memoryMb: 20_480 };
  const accounted = jobEnvironment(given, { ...facts, share: { ...share, mpsDirectory: undefined } });
  expect(accounted).toMatchObject({ GPUSCHED_GPU_MILLI: "255" });
  expect(Object.keys(accounted).filter((name) => name.startsWith("CUDA_MPS_"))).toEqual([]);
  expect(jobEnvironment(given, { ...facts, share: { ...share, mpsDirectory: "/tmp/mps" } })).toMatchObject({
    CUDA_MPS_PIPE_DIRECTORY: "/tmp/mps",
    CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: "25",
    CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: "0=20480M",
  });
  const small = jobEnvironment({}, { ...facts, share: { milli: 1, memoryMb: 0, mpsDirectory: "/tmp/mps" } });
  expect(small["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"]).toBe("1");
  expect(jobEnvironment(given, facts)).toMatchObject(given);
});
