import type { LaunchSpec } from "../executor.ts";
import { argvOf } from "../argv.ts";
import type { CreateOptions } from "./engine-client.ts";
import { type DockerGrant, grantOptions, visibleDevices } from "./gpu-grant.ts";
import { type ContainerOwner, containerName, labelsOf } from "./labels.ts";

const MIB = 1024 * 1024;
/** Docker refuses less. */
const MIN_MEMORY_MB = 6;
/** Stops a fork bomb long before the host's own limit. */
const MAX_PROCESSES = 4_096;
/** The output that is kept of a job is at most twice this. */
const LOG_FILE_SIZE = "64m";
const LOG_FILES = "2";

/** What the host and the engine allow. */
export interface HostFacts {
  readonly owner: ContainerOwner;
  readonly cpus: number;
  /** The engine can put its own init in front, which forwards signals and reaps orphans. */
  readonly hasInit: boolean;
  readonly grant: DockerGrant;
  readonly runtime: string | undefined;
}

/** The container of an allocation: nothing beyond its grant, and no way to ask for more. */
export function containerOptions(spec: LaunchSpec, image: string, host: HostFacts): CreateOptions {
  const environment = { ...spec.environment, NVIDIA_VISIBLE_DEVICES: visibleDevices(host.grant, spec.deviceIds) };
  return {
    name: containerName(spec.key),
    Image: image,
    ...commandOptions(spec),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(spec, host.owner),
    Tty: false,
    OpenStdin: false,
    HostConfig: {
      ...limits(spec, host),
      ...grantOptions(host.grant, host.runtime, spec.deviceIds),
      ...sharingOptions(spec),
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "json-file", Config: { "max-size": LOG_FILE_SIZE, "max-file": LOG_FILES } },
      ...(host.hasInit ? { Init: true } : {}),
    },
  };
}

/** NVIDIA's daemon is reached through its pipes, and through memory that is shared with it: only for who has a share. */
function sharingOptions({ mpsDirectory }: LaunchSpec): NonNullable<CreateOptions["HostConfig"]> {
  if (mpsDirectory === undefined) return { IpcMode: "private" };
  return { IpcMode: "host", Binds: [`${mpsDirectory}:${mpsDirectory}`] };
}

/** A given command replaces the image's entry point, so that exactly what was asked for runs. */
function commandOptions(spec: LaunchSpec): Pick<CreateOptions, "Entrypoint" | "Cmd"> {
  const [program, ...rest] = argvOf(spec);
  if (program === undefined) return spec.args.length === 0 ? {} : { Cmd: [...spec.args] };
  return { Entrypoint: [program], Cmd: rest };
}

function limits(spec: LaunchSpec, host: HostFacts): NonNullable<CreateOptions["HostConfig"]> {
  const memory = Math.max(MIN_MEMORY_MB, spec.memoryMb) * MIB;
  return {
    Memory: memory,
    // The same again: no swap.
    MemorySwap: memory,
    // Docker refuses more than the host has; a node may be told to offer more.
    NanoCpus: Math.min(spec.cpuCores, host.cpus) * 1e9,
    PidsLimit: MAX_PROCESSES,
    ShmSize: spec.shmSizeMb === undefined ? Math.floor(memory / 2) : spec.shmSizeMb * MIB,
  };
}
