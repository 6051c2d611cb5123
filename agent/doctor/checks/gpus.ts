import { error, type Finding, ok, unknown, warning } from "../finding.ts";
import type { GpuFacts, PciGpu } from "../facts/gpus.ts";

/** What nvidia-smi's exit codes mean, and what to do. */
const SMI_CODES: Readonly<Record<number, readonly [string, string]>> = {
  4: ["this user may not ask the driver", "run it as root or as the agent's user"],
  8: ["a GPU lacks power", "connect the power cables of the GPU, and restart the host"],
  9: ["the driver is not loaded", "load it with modprobe nvidia; if that fails, dmesg says why"],
  10: ["the driver sees a problem with an interrupt of a GPU", "look into dmesg, and restart the host"],
  12: ["a library of the driver is missing", "install the driver's packages again, all of one version"],
  14: ["the infoROM of a GPU is corrupt", "drain the node, and have the GPU mended or replaced"],
  15: [
    "a GPU has fallen off the bus or cannot be reached",
    "drain the node and restart the host; if it comes back, replace the GPU",
  ],
  18: ["the driver and its library are of different versions", "drain the node and restart the host"],
};

/** The GPUs of the host, and the software that drives them. */
export function checkGpus(facts: GpuFacts): readonly Finding[] {
  const { nvidia, smi, moduleVersion } = facts;
  const isThere = nvidia.length > 0 || moduleVersion !== undefined || smi.kind === "answered";
  if (!isThere) return [ok("gpu-driver", "this host has no NVIDIA GPU"), ...checkNouveau(facts), ...checkAmd(facts)];
  return [
    checkDriver(facts),
    ...checkVersions(facts),
    ...checkAnswer(facts),
    ...checkCount(facts),
    ...checkNouveau(facts),
    ...checkUvm(facts),
    ...checkFabric(facts),
    ...checkTranslation(nvidia),
    ...checkAmd(facts),
  ];
}

function checkDriver({ nvidia, moduleVersion, smi }: GpuFacts): Finding {
  const version = moduleVersion ?? (smi.kind === "answered" ? smi.driverVersion : undefined);
  if (version !== undefined) return ok("gpu-driver", `NVIDIA's driver ${version} is loaded`);
  const taken = nvidia.filter(({ driver }) => driver?.startsWith("vfio")).length;
  if (taken === nvidia.length) {
    const message = `all ${nvidia.length} NVIDIA GPUs are set aside for virtual machines (vfio-pci): none is left for jobs`;
    return error("gpu-driver", message, "give them back to the driver nvidia, or run the agent in the virtual machine");
  }
  return error(
    "gpu-driver",
    `${count(nvidia.length, "NVIDIA GPU is", "NVIDIA GPUs are")} in this host, but NVIDIA's driver is not loaded`,
    "install the driver, and load it with modprobe nvidia; if that fails, dmesg says why (a kernel without its module, Secure Boot, nouveau)",
  );
}

function checkVersions({ moduleVersion, libraryVersion }: GpuFacts): readonly Finding[] {
  if (moduleVersion === undefined) return [];
  if (libraryVersion === undefined) return [unknown("gpu-driver-versions", "the driver's library was not found")];
  if (moduleVersion === libraryVersion) {
    return [ok("gpu-driver-versions", `the driver and its library are both ${moduleVersion}`)];
  }
  return [
    error(
      "gpu-driver-versions",
      `the loaded driver is ${moduleVersion}, its library ${libraryVersion}: the driver was upgraded under a running system, and nothing can use a GPU any more`,
      "drain the node and restart the host; to keep it from happening again, hold the driver's packages back from unattended upgrades",
    ),
  ];
}

function checkAnswer({ smi }: GpuFacts): readonly Finding[] {
  switch (smi.kind) {
    case "missing":
      return [
        warning(
          "gpu-driver-answers",
          "nvidia-smi is not installed: the driver was not asked",
          "install the package of the driver that has nvidia-smi (nvidia-utils, nvidia-smi)",
        ),
      ];
    case "late":
      return [
        error(
          "gpu-driver-answers",
          `nvidia-smi has not answered within ${smi.afterMs / 1_000} s: the driver hangs`,
          "look for Xid in dmesg; drain the node and restart the host",
        ),
      ];
    case "failed": {
      const [what, cure] = SMI_CODES[smi.code] ?? ["the driver does not answer", "look for NVRM and Xid in dmesg"];
      const isMismatch = /version mismatch/i.test(smi.said);
      const [meaning, remedy] = isMismatch ? (SMI_CODES[18] ?? [what, cure]) : [what, cure];
      const said = smi.said === "" ? "" : `: ${smi.said}`;
      return [error("gpu-driver-answers", `${meaning} (nvidia-smi ended with ${smi.code}${said})`, remedy)];
    }
    case "answered":
      return [
        ok("gpu-driver-answers", `the driver tells of ${count(smi.gpus, "GPU", "GPUs")}`),
        ...checkPersistence(smi),
      ];
  }
}

function checkPersistence(smi: GpuFacts["smi"] & { kind: "answered" }): readonly Finding[] {
  const { withoutPersistence: off, gpus } = smi;
  if (off === 0) return [ok("gpu-persistence", "the driver keeps the GPUs ready")];
  return [
    warning(
      "gpu-persistence",
      `the driver shuts ${off} of ${gpus} GPUs down while nobody uses them: every first use takes seconds, and what they counted is forgotten`,
      "systemctl enable --now nvidia-persistenced (or nvidia-smi -pm 1 until the next restart)",
    ),
  ];
}

/** A device that the driver has given up on is missing without a word. */
function checkCount({ nvidia, smi }: GpuFacts): readonly Finding[] {
  const ours = nvidia.filter(({ driver }) => driver === "nvidia").length;
  if (smi.kind !== "answered" || ours === 0) return [];
  if (smi.gpus >= ours) return [ok("gpu-count", `the driver tells of every GPU on the bus: ${ours}`)];
  return [
    error(
      "gpu-count",
      `the driver has ${ours} GPUs on the bus, and tells of ${smi.gpus}: the others do not answer`,
      'look for Xid and "fallen off the bus" in dmesg; drain the node and restart the host',
    ),
  ];
}

function checkNouveau({ hasNouveau, nvidia }: GpuFacts): readonly Finding[] {
  const bound = nvidia.filter(({ driver }) => driver === "nouveau");
  const cure =
    "echo 'blacklist nouveau' > /etc/modprobe.d/blacklist-nouveau.conf, then update-initramfs -u, and restart the host";
  if (bound.length > 0) {
    const which = bound.map(({ busId }) => busId).join(", ");
    return [error("gpu-driver-nouveau", `the driver nouveau has the GPU at ${which}: CUDA cannot use it`, cure)];
  }
  if (!hasNouveau) return [];
  return [warning("gpu-driver-nouveau", "the driver nouveau is loaded, and may take a GPU before NVIDIA's does", cure)];
}

function checkUvm({ hasUvmNode, moduleVersion }: GpuFacts): readonly Finding[] {
  if (moduleVersion === undefined) return [];
  if (hasUvmNode) return [ok("gpu-uvm", "/dev/nvidia-uvm is there")];
  return [
    warning(
      "gpu-uvm",
      "/dev/nvidia-uvm is not there: the first CUDA program in a container may fail",
      "nvidia-modprobe -u -c 0, at every start of the host (nvidia-persistenced does it)",
    ),
  ];
}

function checkFabric({ switches, hasFabricManager }: GpuFacts): readonly Finding[] {
  if (switches === 0) return [];
  if (hasFabricManager) return [ok("gpu-fabric-manager", "the fabric manager runs")];
  return [
    error(
      "gpu-fabric-manager",
      `this host has ${count(switches, "NVSwitch", "NVSwitches")}, and no fabric manager runs: CUDA fails on every GPU`,
      "install nvidia-fabricmanager of the driver's version, and systemctl enable --now nvidia-fabricmanager",
    ),
  ];
}

/** With translation, what GPUs send each other goes through the processor, or wrong. */
function checkTranslation(gpus: readonly PciGpu[]): readonly Finding[] {
  const translated = gpus.filter(({ iommu }) => iommu !== undefined && iommu.startsWith("DMA"));
  if (gpus.length < 2) return [];
  if (translated.length === 0) return [ok("gpu-iommu", "no IOMMU stands between the GPUs")];
  return [
    warning(
      "gpu-iommu",
      `an IOMMU translates what ${translated.length} of ${gpus.length} GPUs send: from GPU to GPU it is slow, and NCCL may hang`,
      "unless virtual machines need it, add iommu=pt to the kernel's command line and restart the host",
    ),
  ];
}

function checkAmd({ amd, hasKfdNode }: GpuFacts): readonly Finding[] {
  if (amd.length === 0) return [];
  const idle = amd.filter(({ driver }) => driver !== "amdgpu").length;
  if (idle === 0 && hasKfdNode) return [ok("amd-driver", `the driver amdgpu has ${count(amd.length, "GPU", "GPUs")}`)];
  const message =
    idle > 0
      ? `${idle} of ${amd.length} AMD GPUs have no driver`
      : "/dev/kfd is not there: ROCm has no way to the GPUs";
  return [error("amd-driver", message, "load it with modprobe amdgpu; if that fails, dmesg says why")];
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
