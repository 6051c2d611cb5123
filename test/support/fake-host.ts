/** A host to be examined: its files below a directory, its programs on a PATH of their own, its Docker Engine on a socket. */
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Service } from "../../base/service.ts";

export const DRIVER = "570.86.15";
const SMI_ROW = (id: number, mode = "Enabled") => `GPU-0000000${id}-aaaa-bbbb-cccc-dddddddddddd, ${DRIVER}, ${mode}`;

/** What the engine answers to `/info` and `/version`. */
export interface FakeEngine {
  info: Record<string, unknown>;
  version: { Version: string; Components: { Name: string; Version: string }[] };
}

/** Without any change, one on which all is well: two GPUs, granted by CDI. */
export class FakeHost implements Service {
  readonly root = mkdtempSync(join(tmpdir(), "gpusched-host-"));
  readonly bin = join(this.root, "stubs");
  readonly #socket = join(this.root, "docker.sock");
  readonly engine: FakeEngine = {
    info: {
      CgroupDriver: "systemd",
      Driver: "overlay2",
      DockerRootDir: "/var/lib/docker",
      LoggingDriver: "json-file",
      LiveRestoreEnabled: true,
      Runtimes: { runc: {} },
      DiscoveredDevices: [{ Source: "cdi", ID: "nvidia.com/gpu=GPU-00000000-aaaa-bbbb-cccc-dddddddddddd" }],
      Plugins: { Log: ["json-file", "local"] },
      SecurityOptions: ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
    },
    version: { Version: "29.3.1", Components: [{ Name: "runc", Version: "1.3.3" }] },
  };
  #server: Server | undefined;

  constructor() {
    for (const [at, id] of ["0000:18:00.0", "0000:2a:00.0"].entries()) this.pciGpu(id, at);
    this.write(
      "/proc/driver/nvidia/version",
      `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${DRIVER}  Release`,
    );
    this.write(`/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.${DRIVER}`, "");
    symlinkSync(`libnvidia-ml.so.${DRIVER}`, join(this.root, "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"));
    this.write("/dev/nvidia-uvm", "");
    this.write("/proc/self/limits", limits(524_288, "unlimited"));
    this.write("/proc/meminfo", "MemTotal:       65536000 kB\nHugetlb:               0 kB\n");
    this.write("/proc/stat", "cpu 1 2 3\nbtime 1764082800\n");
    this.write("/proc/sys/vm/max_map_count", "65530");
    this.write("/sys/fs/cgroup/cgroup.controllers", "cpu memory");
    this.write("/etc/cdi/nvidia.yaml", `kind: nvidia.com/gpu\nhostPath: /usr/lib/libcuda.so.${DRIVER}\n`);
    this.write(
      "/etc/nvidia-container-runtime/config.toml",
      "accept-nvidia-visible-devices-envvar-when-unprivileged = false",
    );
    this.program("nvidia-smi", `printf '%s\\n' '${SMI_ROW(0)}' '${SMI_ROW(1)}'`);
    this.program("nvidia-ctk", "echo 'NVIDIA Container Toolkit CLI version 1.17.8'; echo 'commit: f202b80'");
    this.program("chronyc", "echo 'Leap status     : Normal'");
  }

  /** A file of the host's. */
  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  /** A program on the host's PATH. */
  program(name: string, script: string): void {
    const file = join(this.bin, name);
    mkdirSync(this.bin, { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  pciGpu(busId: string, at = 0, { driver = "nvidia", vendor = "0x10de", kind = "0x030200", iommu = "identity" } = {}) {
    const path = `/sys/bus/pci/devices/${busId}`;
    this.write(`${path}/vendor`, vendor);
    this.write(`${path}/class`, kind);
    this.write(`${path}/numa_node`, String(at));
    this.write(`${path}/iommu_group/type`, iommu);
    rmSync(join(this.root, path, "driver"), { force: true });
    if (driver !== "") symlinkSync(`../../../bus/pci/drivers/${driver}`, join(this.root, path, "driver"));
  }

  /** Has the engine answer at `/docker.sock`. */
  async serveDocker(mode: number): Promise<void> {
    mkdirSync(join(this.root, "var/lib/docker"), { recursive: true });
    this.#server = createServer(({ url }, response) => {
      const answer = url === "/version" ? this.engine.version : this.engine.info;
      response.end(JSON.stringify(answer));
    });
    await once(this.#server.listen(this.#socket), "listening");
    chmodSync(this.#socket, mode);
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    if (this.#server?.listening) await once(this.#server.close(), "close");
    rmSync(this.root, { recursive: true, force: true });
  }
}

export function limits(openFiles: number, lockedBytes: number | "unlimited"): string {
  return [
    "Limit                     Soft Limit           Hard Limit           Units",
    `Max open files            1024                 ${openFiles}               files`,
    `Max locked memory         65536                ${lockedBytes}            bytes`,
  ].join("\n");
}

export const smiRows = (...modes: string[]): string =>
  `printf '%s\\n' ${modes.map((mode, at) => `'${SMI_ROW(at, mode)}'`).join(" ")}`;
