import { expect, test } from "vitest";
import { asDeviceId, type DeviceId } from "../../../base/ids.ts";
import type { EngineInfo } from "./engine-facts.ts";
import {
  chooseGrant,
  type DockerGrant,
  type GrantedDevice,
  grantOptions,
  grantProblem,
  type GrantQuestion,
  visibleDevices,
} from "./gpu-grant.ts";

const withRuntime: EngineInfo = { Runtimes: { runc: {}, nvidia: {} } };
const without: EngineInfo = { Runtimes: { runc: {} } };
const devices = [asDeviceId("GPU-1"), asDeviceId("GPU-2")];

const choose = (given: Partial<GrantQuestion>) =>
  chooseGrant({
    setting: "auto",
    runtime: undefined,
    simulated: false,
    vendor: "nvidia",
    info: withRuntime,
    cdiProblem: undefined,
    hasHook: false,
    ...given,
  });

function grant(kind: DockerGrant["kind"], known: readonly [DeviceId, Partial<GrantedDevice>][] = []): DockerGrant {
  const entries = known.map(([id, it]) => [id, { cdiName: undefined, nodes: [], groups: [], ...it }] as const);
  return { kind, reason: "", devices: new Map(entries) };
}

test("CDI comes before the runtime, the runtime before device requests, and each says why not those before it", () => {
  const cdiProblem = "Docker does not use it";
  expect(choose({}).kind).toBe("cdi");
  expect(choose({ cdiProblem })).toEqual({
    kind: "runtime",
    reason: "Docker has the runtime nvidia, and not by CDI (Docker does not use it)",
  });
  expect(choose({ cdiProblem, info: without, hasHook: true })).toMatchObject({
    kind: "device-requests",
    reason: expect.stringMatching(/\(Docker does not use it\).*no runtime nvidia.*NVIDIA's hook is there$/),
  });
  expect(choose({ cdiProblem, info: without }).reason).toMatch(/NVIDIA's hook, which they need, was not found$/);
});

test("what a reload of systemd takes devices from says so", () => {
  const cdiProblem = "Docker does not use it";
  for (const info of [withRuntime, without]) {
    expect(choose({ cdiProblem, info: { ...info, CgroupDriver: "systemd" } }).reason).toContain("a reload of systemd");
    expect(choose({ cdiProblem, info: { ...info, CgroupDriver: "cgroupfs" } }).reason).not.toContain("reload");
  }
  expect(choose({ info: { ...withRuntime, CgroupDriver: "systemd" } }).reason).not.toContain("reload");
});

test("AMD's devices come by CDI, else by their files, and never by NVIDIA's means", () => {
  expect(choose({ vendor: "amd" }).kind).toBe("cdi");
  expect(choose({ vendor: "amd", cdiProblem: "Docker does not use it" })).toEqual({
    kind: "devices",
    reason: "not by CDI (Docker does not use it), so by the files in /dev",
  });
});

test("simulated devices are never asked of CDI or of the toolkit's hook", () => {
  expect(choose({ simulated: true }).kind).toBe("runtime");
  expect(choose({ simulated: true, info: without }).kind).toBe("environment");
});

test("what is asked for wins, and every choice has its reason", () => {
  for (const setting of ["cdi", "runtime", "device-requests", "devices", "none"] as const) {
    expect(choose({ setting }).kind).toBe(setting);
  }
  const forced = choose({ runtime: "mine" });
  expect(forced).toEqual({ kind: "runtime", reason: "this agent is told to use the runtime mine" });
});

test("each grant asks Docker in its own way, by UUID", () => {
  expect(grantOptions(grant("runtime"), undefined, devices)).toEqual({ Runtime: "nvidia" });
  expect(grantOptions(grant("runtime"), "mine", devices)).toEqual({ Runtime: "mine" });
  expect(grantOptions(grant("cdi"), undefined, devices)).toEqual({
    DeviceRequests: [{ Driver: "cdi", DeviceIDs: ["nvidia.com/gpu=GPU-1", "nvidia.com/gpu=GPU-2"] }],
  });
  expect(grantOptions(grant("device-requests"), undefined, devices)).toEqual({
    DeviceRequests: [
      { Driver: "nvidia", DeviceIDs: ["GPU-1", "GPU-2"], Capabilities: [["gpu", "compute", "utility"]] },
    ],
  });
});

test("CDI is asked by the names that its specification has", () => {
  const named = grant("cdi", [
    [devices[0] ?? asDeviceId(""), { cdiName: "amd.com/gpu=3" }],
    [devices[1] ?? asDeviceId(""), { cdiName: undefined }],
  ]);
  expect(grantOptions(named, undefined, devices.slice(0, 1))).toEqual({
    DeviceRequests: [{ Driver: "cdi", DeviceIDs: ["amd.com/gpu=3"] }],
  });
  expect(grantProblem(named, devices.slice(0, 1))).toBeUndefined();
  expect(grantProblem(named, devices)).toBe(
    "CDI has no device GPU-2 on this node: its specification must be written anew",
  );
});

test("files are given with the groups that may use them, each once", () => {
  const groups = [44, 109];
  const byFiles = grant("devices", [
    [devices[0] ?? asDeviceId(""), { nodes: ["/dev/kfd", "/dev/dri/renderD128"], groups }],
    [devices[1] ?? asDeviceId(""), { nodes: ["/dev/kfd", "/dev/dri/renderD129"], groups }],
  ]);
  const node = (path: string) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: "rw" });
  expect(grantOptions(byFiles, undefined, devices)).toEqual({
    Devices: [node("/dev/kfd"), node("/dev/dri/renderD128"), node("/dev/dri/renderD129")],
    GroupAdd: ["44", "109"],
  });
  expect(grantProblem(byFiles, devices)).toBeUndefined();
  expect(grantProblem(byFiles, [asDeviceId("GPU-9")])).toBe("device GPU-9 has no files in /dev on this node");
});

test("without devices nothing is asked for, and none are visible to NVIDIA's runtime", () => {
  for (const kind of ["runtime", "cdi", "device-requests", "devices", "environment", "none"] as const) {
    expect(grantOptions(grant(kind), undefined, [])).toEqual({});
    expect(visibleDevices(grant(kind), [])).toBe("void");
  }
  expect(visibleDevices(grant("none"), devices)).toBe("void");
  expect(visibleDevices(grant("devices"), devices)).toBe("void");
  expect(visibleDevices(grant("environment"), devices)).toBe("GPU-1,GPU-2");
});
