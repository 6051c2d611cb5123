import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { asDeviceId } from "../../../../base/ids.ts";
import { silentLogger } from "../../../../base/logger.ts";
import type { Device, DeviceSource } from "../../../devices/device-source.ts";
import type { EngineInfo } from "../engine-facts.ts";
import { parseCdiSpec } from "./cdi-specs.ts";
import { GrantKeeper } from "./grant-keeper.ts";

const GPU = asDeviceId("GPU-1");
const withCdi: EngineInfo = { Runtimes: { runc: {}, nvidia: {} }, CDISpecDirs: ["/etc/cdi", "/var/run/cdi"] };

/** A host with these files below its root. */
function hostWith(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "gpusched-host-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const device = (id = GPU, pciBusId = "00000000:C1:00.0"): Device => ({ id, pciBusId }) as Device;

async function choose(
  files: Readonly<Record<string, string>>,
  info: EngineInfo,
  list = [device()],
  name: DeviceSource["name"] = "nvml",
) {
  const source = { name, list: async () => ({ devices: list, links: [], lost: [] }) } as const;
  const host = { root: hostWith(files) };
  const options = { setting: "auto", runtime: undefined, simulated: false, log: silentLogger } as const;
  return await new GrantKeeper({ ...options, source, host }).keep(info);
}

const byUuid = "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n  - name: GPU-1\n  - name: all\n";
const byNumber = (kind: string, ...nodes: string[]): string => {
  const devices = nodes.map((path, n) => ({ name: String(n), containerEdits: { deviceNodes: [{ path }] } }));
  const all = { name: "all", containerEdits: { deviceNodes: nodes.map((path) => ({ path })) } };
  return JSON.stringify({ cdiVersion: "0.6.0", kind, devices: [...devices, all] });
};
const nvidiaMinor = { "proc/driver/nvidia/gpus/0000:c1:00.0/information": "Model: X\nDevice Minor: \t 3\n" };

test("a specification that names the devices by their UUIDs is used, wherever the engine looks for it", async () => {
  for (const path of ["etc/cdi/nvidia.yaml", "var/run/cdi/nvidia.yml"]) {
    const grant = await choose({ [path]: byUuid }, withCdi);
    expect(grant).toMatchObject({ kind: "cdi", reason: "Docker knows this node's devices through CDI" });
    expect(grant.devices.get(GPU)?.cdiName).toBe("nvidia.com/gpu=GPU-1");
  }
});

test("one that counts them is used where each has its own file there, whatever its number", async () => {
  const spec = byNumber("nvidia.com/gpu", "/dev/nvidia5", "/dev/nvidia3");
  const grant = await choose({ "etc/cdi/nvidia.json": spec, ...nvidiaMinor }, withCdi);
  expect(grant.kind).toBe("cdi");
  expect(grant.devices.get(GPU)?.cdiName).toBe("nvidia.com/gpu=1");
  const unknown = await choose({ "etc/cdi/nvidia.json": spec }, withCdi);
  expect(unknown).toMatchObject({
    kind: "runtime",
    reason: expect.stringContaining("no specification names GPU-1 by its UUID or its file"),
  });
});

test("an engine that tells what it found is believed before the files", async () => {
  const told = { ...withCdi, DiscoveredDevices: [{ Source: "cdi", ID: "nvidia.com/gpu=GPU-1" }] };
  expect((await choose({}, told)).kind).toBe("cdi");
  const other = { ...withCdi, DiscoveredDevices: [{ Source: "cdi", ID: "vendor.com/net=GPU-1" }] };
  expect((await choose({ "etc/cdi/nvidia.yaml": byUuid }, other)).kind).toBe("runtime");
});

test("a specification that the engine does not use is not used, and the reason says what to do", async () => {
  const grant = await choose({ "etc/cdi/nvidia.yaml": byUuid }, { ...withCdi, CDISpecDirs: [] });
  expect(grant.kind).toBe("runtime");
  expect(grant.reason).toContain("features.cdi in its daemon.json, or Docker 28.2");
});

test("one device without a name keeps CDI from being chosen", async () => {
  const grant = await choose({ "etc/cdi/nvidia.yaml": byUuid }, withCdi, [device(), device(asDeviceId("GPU-2"))]);
  expect(grant.reason).toContain("no specification names GPU-2");
});

test("before the driver is there, a specification by UUID is taken for a good sign, and one by number is not", async () => {
  expect((await choose({ "etc/cdi/nvidia.yaml": byUuid }, withCdi, [])).kind).toBe("cdi");
  const counted = byNumber("nvidia.com/gpu", "/dev/nvidia0");
  expect((await choose({ "etc/cdi/nvidia.json": counted }, withCdi, [])).kind).toBe("runtime");
});

test("files that are no specification are passed over", async () => {
  const files = { "etc/cdi/a.yaml": "kind: [", "etc/cdi/b.json": "null", "etc/cdi/c.yaml": "kind: vendor.com/net" };
  expect((await choose(files, withCdi)).reason).toContain("no specification names a GPU");
  expect(parseCdiSpec("kind: nvidia.com/gpu\ndevices: 7\n")).toEqual([]);
});

test("AMD's GPUs come by CDI with the file of each, else by these files", async () => {
  const drm = {
    "sys/bus/pci/devices/0000:c1:00.0/drm/renderD129/dev": "",
    "sys/bus/pci/devices/0000:c1:00.0/drm/card1/dev": "",
  };
  const files = { "dev/kfd": "", "dev/dri/renderD129": "" };
  const spec = byNumber("amd.com/gpu", "/dev/dri/renderD128", "/dev/dri/renderD129");
  const byCdi = await choose({ ...drm, "etc/cdi/amd.json": spec }, withCdi, [device()], "amd-smi");
  expect(byCdi).toMatchObject({ kind: "cdi" });
  expect(byCdi.devices.get(GPU)?.cdiName).toBe("amd.com/gpu=1");
  const plain = await choose({ ...drm, ...files }, { Runtimes: { runc: {} } }, [device()], "amd-smi");
  expect(plain).toMatchObject({
    kind: "devices",
    reason: "not by CDI (Docker does not use it), so by the files in /dev",
  });
  expect(plain.devices.get(GPU)?.nodes).toEqual(["/dev/kfd", "/dev/dri/renderD129"]);
});

test("a driver that does not answer leaves devices to be asked for by their ids", async () => {
  const source = { name: "nvml" as const, list: () => Promise.reject(new Error("hangs")) };
  const host = { root: hostWith({}) };
  const options = { setting: "cdi", runtime: undefined, simulated: false, log: silentLogger } as const;
  const grant = await new GrantKeeper({ ...options, source, host }).keep(withCdi);
  expect(grant).toMatchObject({ kind: "cdi", reason: "this agent is told to use it" });
});
