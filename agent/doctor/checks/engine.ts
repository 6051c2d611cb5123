import type { GpuGrant } from "../../executor/executor.ts";
import type { EngineInfo, EngineVersion } from "../../executor/docker/engine-facts.ts";
import type { EngineFacts } from "../facts/engine.ts";
import { error, type Finding, ok, unknown, warning } from "../finding.ts";
import { DOCKER_FLAWS_WITH_PLUGINS, DOCKER_OLDEST_SERIES, RUNC_FLAWS } from "../known-flaws.ts";
import { compareVersions, flawsOf, versionIn } from "../version.ts";
import { checkSpace } from "./space.ts";

const DAEMON = "/etc/docker/daemon.json";
const WORLD_WRITABLE = 0o002;
const PROCESSES = "or run jobs as processes (--executor process)";

export interface EngineQuestion {
  readonly hasGpus: boolean;
  /** Undefined while the engine does not answer. */
  readonly grant: GpuGrant | undefined;
}

/** The Docker Engine: whether it answers, and whether it is one to trust jobs to. */
export function checkEngine(facts: EngineFacts, question: EngineQuestion): readonly Finding[] {
  const { answer, space } = facts;
  if (answer.kind !== "answered") return [checkSocket(facts), ...checkSocketMode(facts)];
  const { info, version } = answer;
  return [
    checkSocket(facts),
    ...checkSocketMode(facts),
    checkVersion(info, version),
    checkRunc(version),
    checkLiveRestore(info),
    ...checkGrant(question),
    ...checkReload(info, question),
    ...checkStorage(info),
    ...checkSpace("docker-space", "Docker's images and containers", space, "docker system prune, or a larger disk"),
    ...checkFilter(info),
    ...checkLog(info),
  ];
}

function checkSocket({ socketPath, answer }: EngineFacts): Finding {
  switch (answer.kind) {
    case "answered":
      return ok("docker-socket", `Docker answers at ${socketPath}`);
    case "absent":
      return error(
        "docker-socket",
        `there is no Docker at ${socketPath}`,
        `install and start it (apt-get install docker.io), say where it is (--docker-socket), ${PROCESSES}`,
      );
    case "forbidden":
      return error(
        "docker-socket",
        `this user may not use ${socketPath}`,
        "usermod --append --groups docker USER and log in again; whoever is in that group can become root",
      );
    case "silent":
      return error("docker-socket", answer.why, "systemctl status docker; journalctl -u docker says why");
  }
}

function checkSocketMode({ socketPath, socket }: EngineFacts): readonly Finding[] {
  if (!socket || (socket.mode & WORLD_WRITABLE) === 0) return [];
  const message = `everybody on this host may use ${socketPath}, and become root by that`;
  return [error("docker-socket-mode", message, `chmod o-rw ${socketPath}; find out who made it so`)];
}

function checkVersion({ Plugins }: EngineInfo, { Version = "" }: EngineVersion): Finding {
  const plugins = Plugins?.Authorization ?? [];
  const flaws = plugins.length === 0 ? [] : (flawsOf(Version, DOCKER_FLAWS_WITH_PLUGINS) ?? []);
  if (flaws.length > 0) {
    return error(
      "docker-version",
      `Docker ${Version} lets requests past its authorization plugins (${plugins.join(", ")}): ${flaws.map(({ id }) => id).join(", ")}`,
      "install Docker 29.3.1 or newer",
    );
  }
  const version = versionIn(Version);
  if (version === undefined) return unknown("docker-version", "Docker does not tell its version");
  if (compareVersions(version, DOCKER_OLDEST_SERIES) >= 0) return ok("docker-version", `Docker is ${Version}`);
  return warning(
    "docker-version",
    `Docker ${Version} is of a series that Docker does not mend any more: it has only what a distribution mended in it`,
    "install a newer Docker, unless your distribution looks after this one",
  );
}

function checkRunc({ Components }: EngineVersion): Finding {
  const version = Components?.find(({ Name }) => Name === "runc")?.Version ?? "";
  const flaws = flawsOf(version, RUNC_FLAWS);
  if (!flaws) return unknown("runc-version", "Docker does not tell which runc it uses");
  if (flaws.length === 0) return ok("runc-version", `runc is ${version}`);
  return error(
    "runc-version",
    `runc ${version} lets a container reach the host: ${flaws.map(({ id }) => id).join(", ")}, unless a distribution has mended it under the old number`,
    "install runc 1.2.8, 1.3.3, or newer (it comes with containerd.io), then restart Docker",
  );
}

function checkLiveRestore({ LiveRestoreEnabled }: EngineInfo): Finding {
  if (LiveRestoreEnabled === undefined)
    return unknown("docker-live-restore", "Docker does not tell about live-restore");
  if (LiveRestoreEnabled) return ok("docker-live-restore", "jobs outlive a restart of Docker");
  return warning(
    "docker-live-restore",
    "live-restore is off: a restart or an upgrade of Docker ends all jobs of this node",
    `"live-restore": true in ${DAEMON}, then systemctl reload docker`,
  );
}

function checkGrant({ hasGpus, grant }: EngineQuestion): readonly Finding[] {
  if (!hasGpus || !grant) return [];
  const message = `containers get GPUs by ${grant.kind}: ${grant.reason}`;
  if (grant.kind !== "device-requests") return [ok("docker-gpu-grant", message)];
  return [
    warning(
      "docker-gpu-grant",
      message,
      "Docker 28.2 or newer with nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml, or nvidia-ctk runtime configure --runtime=docker",
    ),
  ];
}

/** Systemd then does not know of the devices, and takes them away when it reads its units anew. */
function checkReload({ CgroupDriver }: EngineInfo, { hasGpus, grant }: EngineQuestion): readonly Finding[] {
  if (!hasGpus || !grant) return [];
  const isLegacy = grant.kind === "runtime" || grant.kind === "device-requests";
  if (CgroupDriver !== "systemd" || !isLegacy) {
    return [ok("docker-cgroup-reload", "containers keep their GPUs over systemctl daemon-reload")];
  }
  return [
    warning(
      "docker-cgroup-reload",
      `with the cgroup driver systemd and ${grant.kind}, systemctl daemon-reload takes the GPUs away from running containers ("Failed to initialize NVML: Unknown Error")`,
      `use CDI (nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml), or "exec-opts": ["native.cgroupdriver=cgroupfs"] in ${DAEMON} and restart Docker`,
    ),
  ];
}

function checkStorage({ Driver = "" }: EngineInfo): readonly Finding[] {
  if (Driver === "") return [];
  if (!/^(vfs|aufs|devicemapper)$/.test(Driver)) return [ok("docker-storage", `Docker's storage driver is ${Driver}`)];
  const why = Driver === "vfs" ? "copies every image in full for each container" : "is not supported any more";
  const cure = `"storage-driver": "overlay2" in ${DAEMON}, on ext4 or xfs, and restart Docker: images are then pulled again`;
  return [warning("docker-storage", `Docker's storage driver ${Driver} ${why}`, cure)];
}

function checkFilter({ SecurityOptions }: EngineInfo): readonly Finding[] {
  if (!SecurityOptions) return [];
  const hasFilter = SecurityOptions.some(
    (option) => option.startsWith("name=seccomp") && !option.includes("unconfined"),
  );
  if (hasFilter) return [ok("docker-seccomp", "system calls of containers are filtered")];
  const cure = `a kernel with seccomp, and no "seccomp-profile": "unconfined" in ${DAEMON}`;
  return [warning("docker-seccomp", "containers may use every system call of the kernel", cure)];
}

function checkLog({ LoggingDriver = "", Plugins }: EngineInfo): readonly Finding[] {
  const known = Plugins?.Log;
  if (!known) return [];
  const message = `the output of jobs is kept by json-file, with a limit, whatever Docker's own log driver is (${LoggingDriver})`;
  if (known.includes("json-file")) return [ok("docker-log-driver", message)];
  return [
    error(
      "docker-log-driver",
      "Docker lacks the log driver json-file, which keeps the output of jobs",
      "install a Docker with it",
    ),
  ];
}
