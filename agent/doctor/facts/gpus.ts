/** The host's GPUs, as its buses, its kernel and its driver tell of them. */
import { basename } from "node:path";
import type { Host } from "../host.ts";
import { versionIn } from "../version.ts";

const NVIDIA = "0x10de";
const AMD = "0x1002";
const DISPLAY_CONTROLLERS = /^0x03(00|02)/;
const ACCELERATORS = /^0x(0380|1200)/;
const BRIDGES = /^0x0680/;
const LIBRARY = "libnvidia-ml.so.1";
const LIBRARY_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/nvidia/lib64",
];
/** What one process is called that NVSwitches need; the kernel cuts names to 15 characters. */
const FABRIC_MANAGER = "nv-fabricmanage";

export interface PciGpu {
  readonly busId: string;
  /** The kernel's module that has it, if any. */
  readonly driver: string | undefined;
  /** How its memory accesses are translated: `identity` is not at all. */
  readonly iommu: string | undefined;
}

export type SmiAnswer =
  | { readonly kind: "missing" }
  | { readonly kind: "late"; readonly afterMs: number }
  | { readonly kind: "failed"; readonly code: number; readonly said: string }
  | {
      readonly kind: "answered";
      readonly gpus: number;
      readonly driverVersion: string;
      /** Of how many GPUs the driver forgets everything while nobody uses them. */
      readonly withoutPersistence: number;
    };

export interface GpuFacts {
  readonly nvidia: readonly PciGpu[];
  readonly amd: readonly PciGpu[];
  readonly switches: number;
  /** Of the kernel's module, if that is loaded. */
  readonly moduleVersion: string | undefined;
  /** Of the library that speaks to it, if that is installed. */
  readonly libraryVersion: string | undefined;
  readonly hasNouveau: boolean;
  /** CUDA needs it. */
  readonly hasUvmNode: boolean;
  readonly hasKfdNode: boolean;
  readonly hasFabricManager: boolean;
  readonly smi: SmiAnswer;
}

export async function gatherGpus(host: Host): Promise<GpuFacts> {
  const [devices, moduleVersion, libraryVersion, smi] = await Promise.all([
    pciDevices(host),
    moduleVersionOf(host),
    libraryVersionOf(host),
    askSmi(host),
  ]);
  const of = (vendor: string, ...kinds: readonly RegExp[]) =>
    devices.filter((device) => device.vendor === vendor && kinds.some((kind) => kind.test(device.kind)));
  const switches = of(NVIDIA, BRIDGES).length;
  return {
    nvidia: of(NVIDIA, DISPLAY_CONTROLLERS),
    amd: of(AMD, ACCELERATORS),
    switches,
    moduleVersion,
    libraryVersion,
    hasNouveau: await host.exists("/sys/module/nouveau"),
    hasUvmNode: await host.exists("/dev/nvidia-uvm"),
    hasKfdNode: await host.exists("/dev/kfd"),
    hasFabricManager: switches > 0 && (await runs(host, FABRIC_MANAGER)),
    smi,
  };
}

async function pciDevices(host: Host) {
  const folder = "/sys/bus/pci/devices";
  const found = (await host.names(folder)).map(async (busId) => {
    const path = `${folder}/${busId}`;
    const vendor = await host.read(`${path}/vendor`);
    if (vendor !== NVIDIA && vendor !== AMD) return [];
    const kind = (await host.read(`${path}/class`)) ?? "";
    const driver = await host.link(`${path}/driver`);
    const iommu = await host.read(`${path}/iommu_group/type`);
    return [{ busId, vendor, kind, iommu, driver: driver === undefined ? undefined : basename(driver) }];
  });
  return (await Promise.all(found)).flat();
}

async function moduleVersionOf(host: Host): Promise<string | undefined> {
  const text = (await host.read("/proc/driver/nvidia/version")) ?? (await host.read("/sys/module/nvidia/version"));
  return text === undefined ? undefined : versionIn(text.replace(/^NVRM version:\s*/, ""));
}

async function libraryVersionOf(host: Host): Promise<string | undefined> {
  for (const folder of LIBRARY_FOLDERS) {
    const target = await host.target(`${folder}/${LIBRARY}`);
    const [, version] = /\.so\.(\d+\.[\d.]+)$/.exec(target ?? "") ?? [];
    if (version !== undefined) return version;
  }
  return undefined;
}

async function askSmi(host: Host): Promise<SmiAnswer> {
  const question = ["--query-gpu=uuid,driver_version,persistence_mode", "--format=csv,noheader"];
  const ran = await host.run("nvidia-smi", ...question);
  if (ran.kind !== "ended") return ran;
  const rows = ran.stdout
    .split("\n")
    .map((line) => line.split(", "))
    .filter(([uuid = ""]) => /^(GPU|MIG)-/.test(uuid));
  if (ran.code !== 0 || rows.length === 0) {
    const said = `${ran.stdout}\n${ran.stderr}`.split("\n").find((line) => line.trim() !== "") ?? "";
    return { kind: "failed", code: ran.code, said: said.trim() };
  }
  return {
    kind: "answered",
    gpus: rows.length,
    driverVersion: rows[0]?.[1]?.trim() ?? "",
    withoutPersistence: rows.filter(([, , mode]) => mode?.trim() === "Disabled").length,
  };
}

async function runs(host: Host, name: string): Promise<boolean> {
  for (const pid of await host.names("/proc")) {
    if (/^\d+$/.test(pid) && (await host.read(`/proc/${pid}/comm`)) === name) return true;
  }
  return false;
}
