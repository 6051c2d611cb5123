import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { asDeviceId } from "../../../base/ids.ts";
import type { GpuGrant } from "../executor.ts";
import type { EngineInfo } from "./engine-client.ts";
import { chooseGrant, grantOptions, visibleDevices } from "./gpu-grant.ts";

const AUTO = { setting: "auto", runtime: undefined, simulated: false } as const;
const withRuntime: EngineInfo = { Runtimes: { runc: {}, nvidia: {} } };
const withCdi: EngineInfo = { ...withRuntime, DiscoveredDevices: [{ Source: "cdi", ID: "nvidia.com/gpu=GPU-1" }] };
const devices = [asDeviceId("GPU-1"), asDeviceId("GPU-2")];
const grant = (kind: GpuGrant["kind"]): GpuGrant => ({ kind, reason: "" });

function specificationDirectory(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-cdi-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "nvidia.yaml"), text);
  return directory;
}

test("CDI comes before the runtime, the runtime before device requests", () => {
  expect(chooseGrant({ ...AUTO, info: withCdi }).kind).toBe("cdi");
  expect(chooseGrant({ ...AUTO, info: withRuntime }).kind).toBe("runtime");
  expect(chooseGrant({ ...AUTO, info: { Runtimes: { runc: {} } } }).kind).toBe("device-requests");
});

test("CDI counts only with devices that are named by their UUID", () => {
  const counted = { ...withRuntime, DiscoveredDevices: [{ Source: "cdi", ID: "nvidia.com/gpu=0" }] };
  expect(chooseGrant({ ...AUTO, info: counted }).kind).toBe("runtime");
  const others = { ...withRuntime, DiscoveredDevices: [{ Source: "cdi", ID: "amd.com/gpu=GPU-1" }] };
  expect(chooseGrant({ ...AUTO, info: others }).kind).toBe("runtime");
});

test("an engine that does not tell its CDI devices has those of its specifications", () => {
  const named = specificationDirectory("kind: nvidia.com/gpu\ndevices:\n  - name: GPU-1\n");
  const counted = specificationDirectory('kind: nvidia.com/gpu\ndevices:\n  - name: "0"\n');
  const of = (directory: string): EngineInfo => ({ ...withRuntime, CDISpecDirs: ["/does/not/exist", directory] });
  expect(chooseGrant({ ...AUTO, info: of(named) }).kind).toBe("cdi");
  expect(chooseGrant({ ...AUTO, info: of(counted) }).kind).toBe("runtime");
});

test("simulated devices are never asked of CDI or of the toolkit's hook", () => {
  const simulated = { ...AUTO, simulated: true };
  expect(chooseGrant({ ...simulated, info: withCdi }).kind).toBe("runtime");
  expect(chooseGrant({ ...simulated, info: { Runtimes: { runc: {} } } }).kind).toBe("environment");
});

test("what is asked for wins, and every choice has its reason", () => {
  for (const setting of ["cdi", "runtime", "device-requests", "none"] as const) {
    expect(chooseGrant({ ...AUTO, setting, info: withCdi }).kind).toBe(setting);
  }
  const forced = chooseGrant({ ...AUTO, runtime: "mine", info: withCdi });
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

test("without devices nothing is asked for, and none are visible", () => {
  for (const kind of ["runtime", "cdi", "device-requests", "environment", "none"] as const) {
    expect(grantOptions(grant(kind), undefined, [])).toEqual({});
    expect(visibleDevices(grant(kind), [])).toBe("void");
  }
  expect(visibleDevices(grant("none"), devices)).toBe("void");
  expect(visibleDevices(grant("environment"), devices)).toBe("GPU-1,GPU-2");
});
