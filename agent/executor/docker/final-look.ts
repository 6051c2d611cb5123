import { isDeepStrictEqual } from "node:util";
import type { LaunchSpec } from "../executor.ts";
import type { HostFacts, Looked } from "./container-options.ts";
import type { CreateOptions, HostConfig } from "./engine-client.ts";
import { cdiNameOf, grantOptions, NVIDIA_RUNTIME, visibleDevices } from "./gpu-grant.ts";
import { containerName } from "./labels.ts";
import { SCRATCH_VOLUME } from "./scratch.ts";
import { networkMode } from "./tenant-network.ts";

/** What was decided beforehand, by which the container is judged. */
interface Decided {
  readonly spec: LaunchSpec;
  readonly looked: Looked;
  readonly host: HostFacts;
}

type Rules<T> = { readonly [Name in keyof T]?: (value: NonNullable<T[Name]>, decided: Decided, all: T) => boolean };

const LABEL = /^gpusched\./;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*(=|$)/;

/** Everything that a container may be created with. What has no rule here is refused, whatever it is. */
const RULES: Rules<CreateOptions> = {
  name: (value, { spec }) => value === containerName(spec.key),
  Image: (value, { looked }) => value === looked.image,
  Entrypoint: isTexts,
  Cmd: isTexts,
  User: (value, { looked, host }) =>
    !looked.asImageUser && value === `${host.policy.user.uid}:${host.policy.user.gid}` && host.policy.user.uid > 0,
  Env: (value, decided) => isEnvironment(value, decided),
  Labels: (value) => Object.keys(value).every((name) => LABEL.test(name)),
  Tty: (value) => !value,
  OpenStdin: (value) => !value,
  StopTimeout: (value) => Number.isInteger(value) && value >= 0,
  HostConfig: () => true,
};

const HOST_RULES: Rules<HostConfig> = {
  Memory: (value) => value > 0,
  MemorySwap: (value, _, { Memory }) => value === Memory,
  NanoCpus: (value, { host }) => value > 0 && value <= host.cpus * 1e9,
  PidsLimit: (value, { host }) => value > 0 && value <= host.policy.pids,
  ShmSize: (value, _, { Memory = 0 }) => value > 0 && value <= Memory,
  Ulimits: (value, { host }) => {
    const most: Record<string, number> = { nofile: host.policy.openFiles, core: 0 };
    return value.every(({ Name = "", Hard = -1 }) => Name === "memlock" || (Hard >= 0 && Hard <= (most[Name] ?? -1)));
  },
  Runtime: (value, { host }) => value === (host.runtime ?? NVIDIA_RUNTIME),
  DeviceRequests: (value, decided) => isGranted(value, decided),
  Devices: (value, decided) => isDeepStrictEqual(value, filesOf(decided).Devices),
  GroupAdd: (value, decided) => isDeepStrictEqual(value, filesOf(decided).GroupAdd),
  IpcMode: (value, { spec }) => value === "private" || (value === "host" && spec.mpsDirectory !== undefined),
  Binds: (value, { spec: { mpsDirectory: mps } }) => mps !== undefined && isDeepStrictEqual(value, [`${mps}:${mps}`]),
  CgroupnsMode: (value) => value === "private",
  CapDrop: (value) => isDeepStrictEqual(value, ["ALL"]),
  SecurityOpt: (value) => isDeepStrictEqual(value, ["no-new-privileges"]),
  ReadonlyRootfs: (value, { host }) => value || !host.policy.readOnlyRoot,
  NetworkMode: (value, { spec, host }) =>
    value === networkMode(host.policy, spec.tenantId, host.engineId) && !value.startsWith("container:"),
  Tmpfs: (value) => isDeepStrictEqual(Object.keys(value), ["/tmp"]),
  Mounts: (value, { looked }) => value.every((mount) => isMount(mount, looked)),
  RestartPolicy: ({ Name }) => Name === "no",
  LogConfig: ({ Type, Config }) => Type === "json-file" && "max-size" in (Config ?? {}),
  Init: () => true,
};

/** Without one of these a container is refused as well. */
const REQUIRED: readonly (keyof HostConfig)[] = [
  "Memory",
  "MemorySwap",
  "NanoCpus",
  "PidsLimit",
  "ShmSize",
  "Ulimits",
  "IpcMode",
  "CapDrop",
  "SecurityOpt",
  "ReadonlyRootfs",
  "NetworkMode",
  "LogConfig",
];

/**
 * What the engine is about to be told, looked at once more, by one who knows only what is allowed: the name of what is not;
 * undefined when all is. No mistake before it, and no command that was not foreseen, makes a container that may more.
 */
export function finalLook(options: CreateOptions, decided: Decided): string | undefined {
  const { HostConfig: hostConfig } = options;
  if (!decided.looked.asImageUser && options.User === undefined) return "User";
  const missing = REQUIRED.find((name) => hostConfig[name] === undefined);
  return missing ?? firstFault(options, RULES, decided) ?? firstFault(hostConfig, HOST_RULES, decided);
}

function firstFault<T extends object>(values: T, rules: Rules<T>, decided: Decided): string | undefined {
  const keys = Object.keys(values) as (keyof T & string)[];
  return keys.find((key) => isFault(key, values, rules, decided));
}

function isFault<T extends object, K extends keyof T>(key: K, values: T, rules: Rules<T>, decided: Decided): boolean {
  const value = values[key];
  if (value === undefined) return false;
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  return value === null || !rule?.(value, decided, values);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((it) => typeof it === "string" && !it.includes("\0"));
}

/** Every variable once, and of the devices those that were granted. */
function isEnvironment(value: readonly string[], { spec, host }: Decided): boolean {
  const names = value.map((it) => it.split("=", 1)[0]);
  const visible = value.filter((it) => it.startsWith("NVIDIA_VISIBLE_DEVICES="));
  const isPlain = value.every((it) => VARIABLE.test(it) && !it.includes("\0"));
  const granted = `NVIDIA_VISIBLE_DEVICES=${visibleDevices(host.grant, spec.deviceIds)}`;
  return isPlain && new Set(names).size === names.length && isDeepStrictEqual(visible, [granted]);
}

function isGranted(requests: NonNullable<HostConfig["DeviceRequests"]>, { spec, host }: Decided): boolean {
  const granted = new Set<string>(spec.deviceIds.flatMap((id) => [id, cdiNameOf(host.grant, id)]));
  return requests.every(({ Driver, Count, DeviceIDs: ids = [], Options }) => {
    const isKnown = Driver === "cdi" || Driver === "nvidia";
    const areGranted = ids.length > 0 && ids.every((id) => granted.has(id));
    return isKnown && Count === undefined && Options === undefined && areGranted;
  });
}

/** Where devices are granted by their files: those, and the groups that may use them. */
function filesOf({ spec, host }: Decided): Pick<HostConfig, "Devices" | "GroupAdd"> {
  return host.grant.kind === "devices" ? grantOptions(host.grant, host.runtime, spec.deviceIds) : {};
}

function isMount(mount: NonNullable<HostConfig["Mounts"]>[number], { volumes }: Looked): boolean {
  if (mount.Type === "volume") return isDeepStrictEqual({ ...mount }, { ...SCRATCH_VOLUME });
  const known = ["Type", "Source", "Target", "ReadOnly", "BindOptions"];
  if (mount.Type !== "bind" || Object.keys(mount).some((key) => !known.includes(key))) return false;
  const isPlain = isDeepStrictEqual(mount.BindOptions, { Propagation: "rprivate", NonRecursive: true });
  return isPlain && volumes.some((it) => isSame(it, mount.Source, mount.Target, mount.ReadOnly));
}

function isSame(volume: Looked["volumes"][number], source: string, target: string, readOnly = false): boolean {
  return volume.source === source && volume.target === target && volume.readOnly === readOnly;
}
