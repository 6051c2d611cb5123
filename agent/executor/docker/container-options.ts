import { argvOf } from "../argv.ts";
import type { LaunchSpec } from "../executor.ts";
import type { ContainerPolicy } from "../../policy/container-policy.ts";
import type { ResolvedVolume } from "../../volumes/resolve.ts";
import type { CreateOptions, HostConfig } from "./engine-client.ts";
import { type DockerGrant, grantOptions, visibleDevices } from "./gpu-grant.ts";
import { type ContainerOwner, containerName, labelsOf } from "./labels.ts";
import { SCRATCH, SCRATCH_TMP, SCRATCH_VOLUME } from "./scratch.ts";
import { networkMode } from "./tenant-network.ts";

const MIB = 1024 * 1024;
/** Docker refuses less. */
const MIN_MEMORY_MB = 6;
/** The output that is kept of a job is at most twice this. */
const LOG_FILE_SIZE = "64m";
const LOG_FILES = "2";
/** By which an image would ask NVIDIA's runtime for more than the devices that were granted. */
const UNSET = [
  "NVIDIA_MIG_CONFIG_DEVICES",
  "NVIDIA_MIG_MONITOR_DEVICES",
  "NVIDIA_IMEX_CHANNELS",
  "NVIDIA_GDS",
  "NVIDIA_GDRCOPY",
  "NVIDIA_MOFED",
  "NVIDIA_NVSWITCH",
];

/** What the host and the engine allow. */
export interface HostFacts {
  readonly owner: ContainerOwner;
  readonly engineId: string;
  readonly cpus: number;
  /** The engine can put its own init in front, which forwards signals and reaps orphans. */
  readonly hasInit: boolean;
  readonly grant: DockerGrant;
  readonly runtime: string | undefined;
  readonly policy: ContainerPolicy;
  /** The engine makes a container's root a user without rights on the host. */
  readonly isRemapped: boolean;
  /** Of the engine's control groups; undefined for an engine that does not tell. */
  readonly cgroupVersion: string | undefined;
}

/** What is to run, looked at: the image's name, where volumes really are, and as whom. */
export interface Looked {
  readonly image: string;
  readonly volumes: readonly ResolvedVolume[];
  /** The image names the user. */
  readonly asImageUser: boolean;
}

/** The container of an allocation: nothing beyond its grant, and no way to ask for more. */
export function containerOptions(spec: LaunchSpec, looked: Looked, host: HostFacts): CreateOptions {
  const { user, readOnlyRoot } = host.policy;
  return {
    name: containerName(spec.key),
    Image: looked.image,
    ...commandOptions(spec),
    ...(looked.asImageUser ? {} : { User: `${user.uid}:${user.gid}` }),
    Env: variables(spec, host),
    Labels: labelsOf(spec, host.owner),
    Tty: false,
    OpenStdin: false,
    // For who stops it by hand: the agent sends its own signals.
    StopTimeout: Math.ceil(spec.graceMs / 1_000),
    HostConfig: {
      ...limits(spec, host),
      ...grantOptions(host.grant, host.runtime, spec.deviceIds),
      ...sharingOptions(spec),
      ...cgroupOptions(spec, host),
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: readOnlyRoot,
      NetworkMode: networkMode(host.policy, spec.tenantId, host.engineId),
      Tmpfs: { "/tmp": tmpOptions(spec, host) },
      Mounts: [SCRATCH_VOLUME, ...looked.volumes.map(mountOf)],
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "json-file", Config: { "max-size": LOG_FILE_SIZE, "max-file": LOG_FILES } },
      ...(host.hasInit ? { Init: true } : {}),
    },
  };
}

/** A name alone takes a variable of the image's away. */
function variables({ environment, deviceIds }: LaunchSpec, { grant }: HostFacts): string[] {
  const all = {
    HOME: SCRATCH,
    TMPDIR: SCRATCH_TMP,
    ...environment,
    GPUSCHED_SCRATCH_DIR: SCRATCH,
    NVIDIA_VISIBLE_DEVICES: visibleDevices(grant, deviceIds),
  };
  const set = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return [...set, ...UNSET.filter((name) => !(name in all))];
}

/**
 * A file system that is mounted below the source is no part of it: it could not be kept from being written. Devices in it
 * cannot be opened and programs in it give no rights, by the control group and by no-new-privileges.
 */
function mountOf({ source, target, readOnly }: ResolvedVolume) {
  const bind = { Propagation: "rprivate", NonRecursive: true } as const;
  return { Type: "bind", Source: source, Target: target, ReadOnly: readOnly, BindOptions: bind } as const;
}

/** NVIDIA's daemon is reached through its pipes, and through memory that is shared with it: only for who has a share. */
function sharingOptions({ mpsDirectory }: LaunchSpec): HostConfig {
  if (mpsDirectory === undefined) return { IpcMode: "private" };
  return { IpcMode: "host", Binds: [`${mpsDirectory}:${mpsDirectory}`] };
}

/** NVIDIA's hook looks for a container's first control groups by their paths, which must be the host's own. */
function cgroupOptions({ deviceIds }: LaunchSpec, { grant, cgroupVersion }: HostFacts): HostConfig {
  if (cgroupVersion === undefined) return {};
  const hooked = deviceIds.length > 0 && (grant.kind === "runtime" || grant.kind === "device-requests");
  return cgroupVersion === "1" && hooked ? {} : { CgroupnsMode: "private" };
}

/** A given command replaces the image's entry point, so that exactly what was asked for runs. */
function commandOptions(spec: LaunchSpec): Pick<CreateOptions, "Entrypoint" | "Cmd"> {
  const [program, ...rest] = argvOf(spec);
  if (program === undefined) return spec.args.length === 0 ? {} : { Cmd: [...spec.args] };
  return { Entrypoint: [program], Cmd: rest };
}

/** The image's own /tmp may be root's alone: with these, whoever runs there can write. */
function tmpOptions({ memoryMb }: LaunchSpec, { policy }: HostFacts): string {
  const { user, tmpMb } = policy;
  const sizeMb = tmpMb ?? Math.max(1, Math.floor(Math.max(MIN_MEMORY_MB, memoryMb) / 2));
  return `rw,exec,nosuid,nodev,mode=1777,uid=${user.uid},gid=${user.gid},size=${sizeMb}m`;
}

function limits(spec: LaunchSpec, { cpus, policy }: HostFacts): HostConfig {
  const memory = Math.max(MIN_MEMORY_MB, spec.memoryMb) * MIB;
  const same = (Name: string, value: number) => ({ Name, Soft: value, Hard: value });
  const { lockedMemoryMb: locked, openFiles, pids } = policy;
  const memlock = locked === "unlimited" ? -1 : (locked ?? 0) * MIB;
  return {
    Memory: memory,
    // The same again: no swap.
    MemorySwap: memory,
    // Docker refuses more than the host has; a node may be told to offer more.
    NanoCpus: Math.min(spec.cpuCores, cpus) * 1e9,
    // Stops a fork bomb long before the host's own limit.
    PidsLimit: pids,
    ShmSize: spec.shmSizeMb === undefined ? Math.floor(memory / 2) : spec.shmSizeMb * MIB,
    Ulimits: [same("nofile", openFiles), same("core", 0), ...(locked === undefined ? [] : [same("memlock", memlock)])],
  };
}
