import { formatTimestamp } from "../../../base/time.ts";
import type { KernelFacts } from "../facts/kernel.ts";
import { error, type Finding, ok, unknown, warning } from "../finding.ts";

const FEW_OPEN_FILES = 16_384;
/** The kernel's own default. */
const FEW_MAPPINGS = 65_530;
const LARGE_PART = 0.1;
const OLDEST_NODE = 24;

export interface KernelQuestion {
  readonly executor: "docker" | "process";
  /** Such as `24.1.0`. */
  readonly nodeVersion: string;
  /** Whether the limits of this process are those of jobs and of the agent. */
  readonly isAgent: boolean;
}

/** The kernel's settings, and the limits of this process. */
export function checkKernel(facts: KernelFacts, question: KernelQuestion): readonly Finding[] {
  return [
    ...checkLimits(facts, question),
    checkMappings(facts),
    checkCgroups(facts),
    ...checkHugePages(facts),
    ...checkBoot(facts),
    checkNode(question),
  ];
}

/** Plain processes have those of their agent; a container has its own. */
function checkLimits(
  { openFiles, lockedBytes, rdmaAdapters }: KernelFacts,
  question: KernelQuestion,
): readonly Finding[] {
  const whose = question.isAgent ? "the agent" : "this session";
  const setting = (name: string) =>
    `${name} in [Service] of a drop-in of gpusched-agent.service (systemctl edit), or ulimit where it is started by hand`;
  const files =
    openFiles === undefined || openFiles >= FEW_OPEN_FILES
      ? ok("open-files", `${whose} may open ${openFiles ?? "any number of"} files`)
      : warning("open-files", `${whose} may open only ${openFiles} files`, setting("LimitNOFILE=65536"));
  if (question.executor === "docker" || rdmaAdapters.length === 0) return [files];
  const memory =
    lockedBytes === undefined
      ? ok("locked-memory", `${whose} may lock any amount of memory`)
      : warning(
          "locked-memory",
          `${whose} may lock only ${Math.floor(lockedBytes / 1024)} KB of memory: jobs cannot use the RDMA adapters (${rdmaAdapters.join(", ")})`,
          setting("LimitMEMLOCK=infinity"),
        );
  return [files, memory];
}

function checkMappings({ maxMapCount }: KernelFacts): Finding {
  if (maxMapCount === undefined) return unknown("max-map-count", "the kernel does not tell vm.max_map_count");
  if (maxMapCount >= FEW_MAPPINGS) return ok("max-map-count", `vm.max_map_count is ${maxMapCount}`);
  const message = `vm.max_map_count is ${maxMapCount}, below the kernel's default: programs with much memory fail as if there were none`;
  return warning(
    "max-map-count",
    message,
    "sysctl -w vm.max_map_count=262144, and the same in a file in /etc/sysctl.d",
  );
}

function checkCgroups({ cgroups }: KernelFacts): Finding {
  if (cgroups === "v2") return ok("cgroup-version", "the host uses control groups v2");
  if (cgroups === undefined)
    return error(
      "cgroup-version",
      "no control groups are mounted: nothing limits jobs",
      "mount -t cgroup2 none /sys/fs/cgroup",
    );
  return warning(
    "cgroup-version",
    "the host uses control groups v1, which Docker and systemd are giving up",
    "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line, and restart the host",
  );
}

function checkHugePages({ hugePagesMb, memoryMb }: KernelFacts): readonly Finding[] {
  if (hugePagesMb === 0) return [ok("huge-pages", "no memory is set aside as huge pages")];
  if (hugePagesMb < memoryMb * LARGE_PART) {
    return [ok("huge-pages", `${hugePagesMb} MB are set aside as huge pages`)];
  }
  const message = `${hugePagesMb} of ${memoryMb} MB are set aside as huge pages: jobs cannot use them, and are promised them`;
  return [
    warning(
      "huge-pages",
      message,
      `sysctl -w vm.nr_hugepages=0, or tell the agent less (--memory-mb ${memoryMb - hugePagesMb})`,
    ),
  ];
}

function checkBoot({ bootedAtMs, rebootFor }: KernelFacts): readonly Finding[] {
  const booted =
    bootedAtMs === undefined ? [] : [ok("last-boot", `the host was started at ${formatTimestamp(bootedAtMs)}`)];
  if (!rebootFor) return booted;
  const what = rebootFor.length === 0 ? "" : ` (${rebootFor.slice(0, 5).join(", ")})`;
  const cure = "drain the node (gpusched node drain), and restart the host";
  return [...booted, warning("reboot-pending", `what was installed needs a restart of the host${what}`, cure)];
}

function checkNode({ nodeVersion }: KernelQuestion): Finding {
  if (Number(nodeVersion.split(".")[0]) >= OLDEST_NODE) return ok("node-version", `Node.js is ${nodeVersion}`);
  const message = `Node.js is ${nodeVersion}; ${OLDEST_NODE} or newer is needed`;
  return error("node-version", message, `use the one that comes with the package, or install Node.js ${OLDEST_NODE}`);
}
