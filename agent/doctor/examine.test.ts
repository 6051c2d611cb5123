import { chmodSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { DRIVER, FakeHost, limits, smiRows } from "../../test/support/fake-host.ts";
import { DEFAULT_CONTAINER_POLICY } from "../policy/container-policy.ts";
import { examine, type ExamineOptions } from "./examine.ts";
import type { Finding } from "./finding.ts";
import { Host } from "./host.ts";

/** Of the machine that the tests run on. */
const OF_THIS_MACHINE = ["data-space", "docker-space", "data-file-system"];

/** Generous for those that answer, and soon over for the one that hangs. */
const DEADLINE_MS = 3_000;

let services: ServiceStack;
let fake: FakeHost;
let controller: string;

beforeEach(async () => {
  services = new ServiceStack();
  fake = services.add(new FakeHost());
  vi.stubEnv("PATH", fake.bin);
  controller = await listen();
  loadFirewall();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await services.close();
});

/** As root leaves it. */
function loadFirewall(change: object = {}): void {
  const mark = { network: "tenant", controllers: [controller], blockedDestinations: [], unresolved: [], ...change };
  fake.write("/run/gpusched-firewall/loaded.json", JSON.stringify(mark));
}

async function listen(): Promise<string> {
  const server: Server = createServer((socket) => socket.destroy());
  await once(server.listen(0, "127.0.0.1"), "listening");
  services.add({ close: () => new Promise<void>((resolve) => void server.close(() => resolve())) });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function find(change: Partial<ExamineOptions> = {}): Promise<readonly Finding[]> {
  const options: ExamineOptions = {
    controllers: [controller],
    dataDir: "/var/lib/gpusched-agent",
    executor: "docker",
    dockerSocket: "/docker.sock",
    dockerRuntime: undefined,
    gpuGrant: "auto",
    containerPolicy: DEFAULT_CONTAINER_POLICY,
    peerListen: undefined,
    peerAddress: undefined,
    simulated: false,
    configFile: undefined,
    isAgent: true,
    driftMs: undefined,
    ...change,
  };
  const findings = await examine(options, new Host(fake.root, DEADLINE_MS));
  return findings.filter(({ check }) => !OF_THIS_MACHINE.includes(check));
}

async function findBad(change: Partial<ExamineOptions> = {}): Promise<readonly Finding[]> {
  return (await find(change)).filter(({ severity }) => severity !== "ok");
}

async function withDocker(mode = 0o660): Promise<void> {
  await fake.serveDocker(mode);
}

test("nothing is said of a host on which all is well", async () => {
  await withDocker();
  const findings = await find({ driftMs: 40 });
  expect(findings.filter(({ severity }) => severity !== "ok")).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(["gpu-driver-versions", "gpu-count", "toolkit-version", "runc-version", "clock-drift"]),
  );
  for (const { cure } of findings) expect(cure).toBe("");
});

const bad: readonly (readonly [string, Finding["severity"], string, string, () => void])[] = [
  ["gpu-driver", "error", "2 NVIDIA GPUs are in this host", "modprobe nvidia", () => removeDriver()],
  ["gpu-driver-versions", "error", "upgraded under a running system", "restart the host", () => upgradeLibrary()],
  [
    "gpu-driver-nouveau",
    "error",
    "has the GPU at 0000:2a:00.0",
    "blacklist",
    () => fake.pciGpu("0000:2a:00.0", 1, { driver: "nouveau" }),
  ],
  [
    "gpu-driver-nouveau",
    "warning",
    "nouveau is loaded",
    "blacklist",
    () => fake.write("/sys/module/nouveau/version", ""),
  ],
  [
    "gpu-driver-answers",
    "error",
    "fallen off the bus",
    "drain",
    () => fake.program("nvidia-smi", "echo 'Unable to determine the device handle for GPU0'; exit 15"),
  ],
  [
    "gpu-driver-answers",
    "error",
    "of different versions",
    "restart",
    () => fake.program("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18"),
  ],
  [
    "gpu-count",
    "error",
    "2 GPUs on the bus, and tells of 1",
    "dmesg",
    () => fake.program("nvidia-smi", smiRows("Enabled")),
  ],
  [
    "gpu-persistence",
    "warning",
    "shuts 1 of 2",
    "nvidia-persistenced",
    () => fake.program("nvidia-smi", smiRows("Enabled", "Disabled")),
  ],
  ["gpu-uvm", "warning", "nvidia-uvm", "nvidia-modprobe", () => fake.remove("/dev/nvidia-uvm")],
  [
    "gpu-fabric-manager",
    "error",
    "1 NVSwitch",
    "nvidia-fabricmanager",
    () => fake.pciGpu("0000:3b:00.0", 0, { kind: "0x068000" }),
  ],
  ["gpu-iommu", "warning", "1 of 2 GPUs", "iommu=pt", () => fake.pciGpu("0000:18:00.0", 0, { iommu: "DMA-FQ" })],
  [
    "amd-driver",
    "error",
    "1 of 1 AMD GPUs",
    "amdgpu",
    () => fake.pciGpu("0000:4c:00.0", 0, { vendor: "0x1002", kind: "0x038000", driver: "" }),
  ],
  [
    "toolkit-version",
    "error",
    "1.17.7 lets a container become root on the host: CVE-2025-23266, CVE-2025-23267",
    "1.17.8",
    () => fake.program("nvidia-ctk", "echo 'version 1.17.7'"),
  ],
  ["toolkit-version", "error", "not installed", "install", () => fake.remove("/stubs/nvidia-ctk")],
  ["toolkit-version", "unknown", "does not tell", "install", () => fake.program("nvidia-ctk", "echo sorry; exit 1")],
  [
    "toolkit-variable",
    "warning",
    "ask for all GPUs",
    "=false",
    () => fake.remove("/etc/nvidia-container-runtime/config.toml"),
  ],
  ["toolkit-variable", "error", "containers get none", "CDI", () => useRuntime()],
  [
    "cdi-specification",
    "error",
    `for driver 550.54.14, and ${DRIVER} is loaded`,
    "nvidia-ctk cdi generate",
    () => fake.write("/etc/cdi/nvidia.yaml", "kind: nvidia.com/gpu\n /usr/lib/libcuda.so.550.54.14"),
  ],
  [
    "toolkit-hook",
    "error",
    "no way to give containers GPUs",
    "nvidia-ctk runtime configure",
    () => void (fake.engine.info["DiscoveredDevices"] = []),
  ],
  [
    "docker-version",
    "error",
    "past its authorization plugins (opa): CVE-2026-34040",
    "29.3.1",
    () => useAuthorization("29.3.0"),
  ],
  [
    "docker-version",
    "warning",
    "20.10.24",
    "newer Docker",
    () => void (fake.engine.version.Version = "20.10.24+dfsg1"),
  ],
  [
    "runc-version",
    "error",
    "1.1.5+ds1 lets a container reach the host: CVE-2024-21626",
    "1.2.8",
    () => useRunc("1.1.5+ds1"),
  ],
  [
    "docker-live-restore",
    "warning",
    "ends all jobs",
    '"live-restore": true',
    () => void (fake.engine.info["LiveRestoreEnabled"] = false),
  ],
  ["docker-cgroup-reload", "warning", "daemon-reload takes the GPUs away", "use CDI", () => useRuntime()],
  ["docker-storage", "warning", "vfs copies every image", "overlay2", () => void (fake.engine.info["Driver"] = "vfs")],
  [
    "docker-seccomp",
    "warning",
    "every system call",
    "seccomp",
    () => void (fake.engine.info["SecurityOptions"] = ["name=apparmor"]),
  ],
  ["docker-log-driver", "error", "json-file", "install", () => void (fake.engine.info["Plugins"] = { Log: ["local"] })],
  ["docker-socket-mode", "error", "become root", "chmod", () => undefined],
  [
    "clock-synchronised",
    "warning",
    "chronyc says",
    "chrony",
    () => fake.program("chronyc", "echo 'Leap status     : Not synchronised'"),
  ],
  ["clock-synchronised", "unknown", "nothing here tells", "chrony", () => fake.remove("/stubs/chronyc")],
  [
    "open-files",
    "warning",
    "only 4096 files",
    "LimitNOFILE",
    () => fake.write("/proc/self/limits", limits(4_096, "unlimited")),
  ],
  ["job-firewall", "warning", "not loaded: jobs reach this host", "gpusched-firewall", () => fake.remove("/run")],
  ["job-firewall", "warning", "iptables: false", "gpusched-firewall", () => withoutRules()],
  [
    "job-firewall",
    "warning",
    "taken the rules for jobs away",
    "gpusched-firewall",
    () => fake.program("nft", "echo 'Error: No such file or directory' >&2; exit 1"),
  ],
  ["job-firewall", "warning", "another configuration", "reload", () => loadFirewall({ controllers: [] })],
  ["job-firewall", "warning", "not kept from a:1", "reload", () => loadFirewall({ unresolved: ["a:1"] })],
  [
    "job-firewall",
    "warning",
    "Docker is rootless",
    "network: none",
    () => void (fake.engine.info["SecurityOptions"] = ["name=seccomp,profile=builtin", "name=rootless"]),
  ],
  ["max-map-count", "warning", "is 1000", "sysctl", () => fake.write("/proc/sys/vm/max_map_count", "1000")],
  ["cgroup-version", "warning", "v1", "unified", () => useOldCgroups()],
  [
    "huge-pages",
    "warning",
    "32000 of 64000 MB",
    "--memory-mb 32000",
    () => fake.write("/proc/meminfo", "MemTotal: 65536000 kB\nHugetlb: 32768000 kB\n"),
  ],
  ["reboot-pending", "warning", "(linux-image-6.1)", "drain", () => askForReboot()],
  [
    "configuration-files",
    "error",
    "everybody on this host may write /etc/gpusched/agent.yaml",
    "chmod",
    () => configuration("agent.yaml", 0o666),
  ],
  [
    "configuration-files",
    "warning",
    "everybody on this host may read /etc/gpusched/agent.env",
    "chmod",
    () => configuration("agent.env", 0o644),
  ],
  ["data-directory", "error", "is no directory", "--data-dir", () => fake.write("/var/lib/gpusched-agent", "")],
  ["data-directory", "warning", "others than its owner", "chmod 700", () => dataDirectory(0o755)],
];

test.each(bad)("%s is told as %s: %s", async (check, severity, message, cure, change) => {
  change();
  await withDocker(check === "docker-socket-mode" ? 0o666 : undefined);
  const found = (await findBad()).find((finding) => finding.check === check && finding.severity === severity);
  expect(found?.message).toContain(message);
  expect(found?.cure).toContain(cure);
});

function removeDriver(): void {
  fake.remove("/proc/driver/nvidia");
  fake.program("nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9");
  for (const id of ["0000:18:00.0", "0000:2a:00.0"]) fake.pciGpu(id, 0, { driver: "" });
}

function upgradeLibrary(): void {
  fake.write("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb");
}

function withoutRules(): void {
  fake.remove("/run");
  fake.write("/etc/docker/daemon.json", '{ "iptables": false }');
}

function useRuntime(): void {
  Object.assign(fake.engine.info, { DiscoveredDevices: [], Runtimes: { nvidia: {} } });
}

function useAuthorization(version: string): void {
  fake.engine.version.Version = version;
  fake.engine.info["Plugins"] = { Log: ["json-file"], Authorization: ["opa"] };
}

function useRunc(version: string): void {
  fake.engine.version.Components = [{ Name: "runc", Version: version }];
}

function useOldCgroups(): void {
  fake.remove("/sys/fs/cgroup/cgroup.controllers");
  fake.write("/sys/fs/cgroup/memory/tasks", "");
}

function askForReboot(): void {
  fake.write("/run/reboot-required", "*** System restart required ***");
  fake.write("/run/reboot-required.pkgs", "linux-image-6.1\nlinux-image-6.1\n");
}

function configuration(name: string, mode: number): void {
  fake.write(`/etc/gpusched/${name}`, "");
  chmodSync(join(fake.root, "etc/gpusched"), 0o755);
  chmodSync(join(fake.root, "etc/gpusched", name), mode);
}

function dataDirectory(mode: number): void {
  fake.write("/var/lib/gpusched-agent/journal", "");
  chmodSync(join(fake.root, "var/lib/gpusched-agent"), mode);
}

test("a host without GPUs and with plain processes is asked for none of what it does not need", async () => {
  for (const path of ["/sys/bus", "/proc/driver", "/stubs"]) fake.remove(path);
  fake.program("chronyc", "echo 'Leap status     : Normal'");
  const reason = "limited by control groups (version 2): memory, cores, processes";
  expect(await findBad({ executor: "process", limits: { reason, missing: [] } })).toEqual([]);
  const [unlimited] = await findBad({ executor: "process", limits: { reason, missing: ["cpu"] } });
  expect(unlimited).toMatchObject({ check: "process-limits", severity: "warning" });
});

test("simulated GPUs need no driver", async () => {
  removeDriver();
  await withDocker();
  expect(await findBad({ simulated: true })).toEqual([]);
});

test("plain processes need memory that they may lock for RDMA", async () => {
  fake.write("/proc/self/limits", limits(524_288, 65_536));
  fake.write("/sys/class/infiniband/mlx5_0/node_type", "1");
  const [found] = await findBad({ executor: "process" });
  expect(found).toMatchObject({ check: "locked-memory", severity: "warning" });
  expect(found?.message).toContain("64 KB of memory: jobs cannot use the RDMA adapters (mlx5_0)");
});

test("an engine that is not there is told with what to do, and everything else is looked at all the same", async () => {
  const found = await findBad();
  expect(found.map(({ check }) => check)).toEqual(["docker-socket"]);
  expect(found[0]?.cure).toContain("--executor process");
});

test("controllers that are not reached are told: some are a warning, all an error", async () => {
  await withDocker();
  const [some] = await findBad({ controllers: [controller, "127.0.0.1:1"] });
  expect(some).toMatchObject({ check: "controllers", severity: "warning" });
  expect(some?.message).toContain("127.0.0.1:1 (nobody listens there)");
  const [all] = await findBad({ controllers: ["127.0.0.1:1"] });
  expect(all).toMatchObject({ check: "controllers", severity: "error" });
});

test("a port for peers is one that answers, or that is free", async () => {
  await withDocker();
  expect(await findBad({ peerListen: controller })).toEqual([]);
  expect(await findBad({ peerListen: "127.0.0.1:0" })).toEqual([]);
  const [wrong] = await findBad({ peerListen: "192.0.2.1:9092", peerAddress: "127.0.0.1:1" });
  expect(wrong).toMatchObject({ check: "peer-port", severity: "error" });
  expect(wrong?.message).toContain("this host does not have that address");
});

test("a clock that is far from the controller's is told", async () => {
  await withDocker();
  const [behind] = await findBad({ driftMs: 60_000 });
  expect(behind).toMatchObject({ check: "clock-drift", message: "the clock is over 5 s behind the controller's" });
});

test("a driver that hangs is told, and holds nothing up for longer than its deadline", async () => {
  await withDocker();
  fake.program("nvidia-smi", "exec /bin/sleep 600");
  const found = await findBad();
  expect(found).toMatchObject([{ check: "gpu-driver-answers", severity: "error" }]);
  expect(found[0]?.message).toContain("the driver hangs");
});
