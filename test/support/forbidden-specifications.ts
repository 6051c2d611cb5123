/** What no job may have, as data: by REST, by a forged command, and as what the engine would be told. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import type { CreateOptions, HostConfig } from "../../agent/executor/docker/engine-client.ts";
import type { Service } from "../../base/service.ts";
import type { Launch } from "../../proto/generated/gpusched/v1/Launch.ts";

/** A field of `POST /jobs` that is named in a refusal with 400. */
interface ByRest {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly named: string;
}

export interface ForbiddenRow {
  readonly name: string;
  /** Undefined where REST cannot say it. */
  readonly rest?: ByRest;
  /** What a job that REST lets pass ends with. */
  readonly ends?: { readonly fields: Readonly<Record<string, unknown>>; readonly message: RegExp };
  /** What a forged command would have; undefined where no command can say it. */
  readonly launch?: Launch;
  /** What the engine would be told by an agent with a bug. */
  readonly create?: Partial<HostConfig>;
  readonly createTop?: Partial<CreateOptions>;
}

/** A directory below which volumes are allowed, with traps in it. */
export interface TrapDirectory extends Service {
  readonly path: string;
  /** Whether the host let a device node be made. */
  readonly hasDevice: boolean;
}

/** @param secret what must not be reached */
export async function makeTraps(path: string, secret: string): Promise<TrapDirectory> {
  mkdirSync(join(path, "data"), { recursive: true });
  writeFileSync(join(path, "data/file"), "allowed\n");
  const links = { etc: "/etc", secret, socket: "/var/run/docker.sock", root: "/", up: "..", loop: "to-loop" };
  for (const [name, to] of Object.entries(links)) symlinkSync(to, join(path, `to-${name}`));
  symlinkSync("to-etc", join(path, "to-to-etc"));
  spawnSync("mkfifo", [join(path, "fifo")]);
  const hasDevice = spawnSync("mknod", [join(path, "device"), "c", "1", "3"]).status === 0;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(path, "some.sock"), resolve));
  return {
    path,
    hasDevice,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Fields that do not exist, each with what the engine would have to be told for it. */
const FIELDS: readonly (readonly [string, unknown, Partial<HostConfig>])[] = [
  ["privileged", true, { Privileged: true }],
  ["host_network", true, { NetworkMode: "host" }],
  ["network_mode", "container:other", { NetworkMode: "container:other" }],
  ["pid_mode", "host", { PidMode: "host" }],
  ["ipc_mode", "host", { IpcMode: "host" }],
  ["uts_mode", "host", { UTSMode: "host" }],
  ["userns_mode", "host", { UsernsMode: "host" }],
  ["cgroup_parent", "/", { CgroupParent: "/" }],
  ["cgroupns_mode", "host", { CgroupnsMode: "host" as "private" }],
  [
    "devices",
    ["/dev/sda"],
    { Devices: [{ PathOnHost: "/dev/sda", PathInContainer: "/dev/sda", CgroupPermissions: "rwm" }] },
  ],
  ["device_requests", [{ count: -1 }], { DeviceRequests: [{ Driver: "nvidia", Count: -1, Capabilities: [["gpu"]] }] }],
  ["gpu_ids", ["GPU-another"], { DeviceRequests: [{ Driver: "nvidia", DeviceIDs: ["GPU-another"] }] }],
  ["device_cgroup_rules", ["a *:* rwm"], { DeviceCgroupRules: ["a *:* rwm"] }],
  ["cap_add", ["SYS_ADMIN"], { CapAdd: ["SYS_ADMIN"] }],
  ["cap_drop", [], { CapDrop: [] }],
  ["security_opt", ["seccomp=unconfined"], { SecurityOpt: ["no-new-privileges", "seccomp=unconfined"] }],
  ["apparmor", "unconfined", { SecurityOpt: ["no-new-privileges", "apparmor=unconfined"] }],
  ["no_new_privileges", false, { SecurityOpt: [] }],
  ["runtime", "evil", { Runtime: "evil" }],
  ["volumes_from", ["other"], { VolumesFrom: ["other"] }],
  ["binds", ["/:/host"], { Binds: ["/:/host"] }],
  ["mounts", [{ source: "/var/run/docker.sock" }], { Binds: ["/var/run/docker.sock:/var/run/docker.sock:ro"] }],
  ["ports", [{ host: 80 }], { PortBindings: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "80" }] } }],
  ["publish_all_ports", true, { PublishAllPorts: true }],
  ["sysctls", { "net.ipv4.ip_forward": "1" }, { Sysctls: { "net.ipv4.ip_forward": "1" } }],
  ["group_add", ["docker"], { GroupAdd: ["docker"] }],
  ["masked_paths", [], { MaskedPaths: [] }],
  ["readonly_paths", [], { ReadonlyPaths: [] }],
  ["read_only_root", false, { ReadonlyRootfs: false }],
  ["tmpfs", { "/etc": "" }, { Tmpfs: { "/etc": "" } }],
  ["pids_limit", -1, { PidsLimit: -1 }],
  ["memory_swap", -1, { MemorySwap: -1 }],
  ["oom_kill_disable", true, { OomKillDisable: true }],
  ["oom_score_adj", -1_000, { OomScoreAdj: -1_000 }],
  ["ulimits", { core: -1 }, { Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] }],
  ["log_driver", "syslog", { LogConfig: { Type: "syslog", Config: { "max-size": "1m" } } }],
  ["restart", "always", { RestartPolicy: { Name: "always" } }],
  ["storage_opt", { size: "1T" }, { StorageOpt: { size: "1T" } }],
  ["volume_driver", "evil", { VolumeDriver: "evil" }],
  ["cidfile", "/etc/x", { ContainerIDFile: "/etc/x" }],
  ["extra_hosts", ["registry:127.0.0.1"], { ExtraHosts: ["registry:127.0.0.1"] }],
];

const TOP_FIELDS: readonly (readonly [string, unknown, Partial<CreateOptions>])[] = [
  ["user", "0:0", { User: "0:0" }],
  ["tty", true, { Tty: true }],
  ["exposed_ports", ["80/tcp"], { ExposedPorts: { "80/tcp": {} } }],
  ["healthcheck", ["CMD", "true"], { Healthcheck: { Test: ["CMD", "true"] } }],
  ["mac_address", "02:00:00:00:00:01", { MacAddress: "02:00:00:00:00:01" }],
];

function unknownFields(): ForbiddenRow[] {
  const rest = (name: string, value: unknown) => ({ fields: { [name]: value }, named: name });
  return [
    ...FIELDS.map(([name, value, create]) => ({ name: `the field ${name}`, rest: rest(name, value), create })),
    ...TOP_FIELDS.map(([name, value, createTop]) => ({
      name: `the field ${name}`,
      rest: rest(name, value),
      createTop,
    })),
  ];
}

const WELL_PLACED = "/mnt/data";

function volume(name: string, source: string, target = WELL_PLACED, more: object = {}): ForbiddenRow {
  const volumes = [{ source, target, read_only: true, ...more }];
  return { name, rest: { fields: { volumes }, named: "volumes[0]" }, launch: { volumes } };
}

/** REST cannot tell what is there; the node can. */
function trap(name: string, source: string, message: RegExp, more: object = {}): ForbiddenRow {
  const volumes = [{ source, target: WELL_PLACED, read_only: true, ...more }];
  return { name, ends: { fields: { volumes }, message }, launch: { volumes } };
}

function sources({ path, hasDevice }: TrapDirectory, own: { readonly socket: string; readonly dataDir: string }) {
  const at = (name: string) => join(path, name);
  return [
    volume("the whole host", "/"),
    ...["/etc", "/etc/shadow", "/proc", "/sys", "/dev", "/dev/mem", "/run", "/boot", "/usr/bin"].map((source) =>
      volume(`a volume from ${source}`, source),
    ),
    volume("Docker's socket", "/var/run/docker.sock"),
    volume("containerd's socket", "/run/containerd/containerd.sock"),
    volume("Docker's data", "/var/lib/docker"),
    volume("what has Docker's data in it", "/var/lib"),
    volume("gpusched's own file of rules", "/etc/gpusched"),
    volume("a way up", `${path}/data/../../secret`),
    volume("a relative path", "data"),
    volume("a path with an empty part", `${path}//data`),
    volume("a path with a dot", `${path}/./data`),
    volume("a path with a newline", `${path}/da\nta`),
    volume("a path without end", `${path}/${"x".repeat(2_000)}`),
    trap("a directory beside the allowed one", `${path}-beside`, /allows no volume from/),
    trap("a directory above the allowed one", join(path, ".."), /allows no volume from/),
    trap("a symbolic link to /etc", at("to-etc"), /allows no volume from \S+, which is \/etc,/),
    trap("a file behind a symbolic link", at("to-etc/passwd"), /allows no volume from \S+, which is \/etc\/passwd,/),
    trap("a symbolic link to a symbolic link", at("to-to-etc"), /which is \/etc,/),
    trap("a symbolic link to another's directory", at("to-secret"), /allows no volume from/),
    trap("a symbolic link to /", at("to-root"), /which is \/,/),
    trap("a symbolic link upwards", at("to-up"), /allows no volume from/),
    trap("a symbolic link in circles", at("to-loop"), /leads in circles/),
    trap("a symbolic link to Docker's socket", at("to-socket"), /allows no volume|there is no/),
    trap("a socket", at("some.sock"), /neither/),
    trap("a pipe", at("fifo"), /neither/),
    ...(hasDevice ? [trap("a device node", at("device"), /neither/)] : []),
    trap("what is not there", at("nothing"), /there is no/),
    trap("what lies below a file", at("data/file/x"), /is no directory/),
    trap("writing where only reading is allowed", at("data"), /with read_only true|only to be read/, {
      read_only: false,
    }),
    trap("the engine's own socket", own.socket, /no job is given/),
    { name: "the agent's own data", launch: trap("", own.dataDir, /./).launch ?? {} },
  ];
}

function targets({ path }: TrapDirectory): ForbiddenRow[] {
  const data = join(path, "data");
  const bad = ["/", "/proc", "/proc/self", "/sys", "/sys/kernel", "/dev", "/dev/shm", "/etc", "/etc/passwd", "/run"];
  const several = (name: string, places: readonly string[]): ForbiddenRow => {
    const volumes = places.map((target) => ({ source: data, target, read_only: true }));
    return { name, rest: { fields: { volumes }, named: "volumes" }, launch: { volumes } };
  };
  return [
    ...[...bad, "/run/secrets", "/usr", "/lib64", "/tmp", "/gpusched/scratch", "/a/../etc", "a", "/a/"].map((target) =>
      volume(`a volume at ${target}`, data, target),
    ),
    several("two volumes at one place", ["/a", "/a"]),
    several("a volume in another", ["/a", "/a/b"]),
  ];
}

function others(): ForbiddenRow[] {
  const variable = (name: string): ForbiddenRow => ({
    name: `the variable ${JSON.stringify(name)}`,
    rest: { fields: { environment: { [name]: "all" } }, named: `environment` },
    launch: { environment: { [name]: "all" } },
  });
  const label = (name: string): ForbiddenRow => ({
    name: `the label ${name}`,
    rest: { fields: { labels: { [name]: "x" } }, named: `labels.${name}` },
    launch: { labels: { [name]: "x" } },
  });
  const image = (name: string): ForbiddenRow => ({
    name: `the image ${JSON.stringify(name).slice(0, 60)}`,
    rest: { fields: { image: name }, named: "image" },
    launch: { image: name },
  });
  const number = (field: "shm_size_mb" | "cpu_cores" | "memory_mb", value: number): ForbiddenRow => ({
    name: `${field} ${value}`,
    rest: { fields: { [field]: value }, named: field },
    launch: { [field]: value },
  });
  const forged = (name: string, launch: Launch): ForbiddenRow => ({ name, launch });
  return [
    ...["NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "CUDA_VISIBLE_DEVICES", "LD_PRELOAD"].map(variable),
    ...["DOCKER_HOST", "GPUSCHED_JOB_ID", "A=B", "A\nB", ""].map(variable),
    ...["gpusched.agent", "gpusched.job", "gpusched/x", "com.docker.compose.project"].map(label),
    ...["../containers/json", "-v", "UPPER", "a b", "/etc/passwd", "http://x/y", "x@sha256:zz"].map(image),
    ...["169.254.169.254/latest", "127.0.0.1:5000/x", "localhost/x", "[::1]:5000/x", "2130706433:80/x"].map(image),
    number("shm_size_mb", 0),
    number("shm_size_mb", -1),
    { ...number("shm_size_mb", 4_096), rest: { fields: { shm_size_mb: 4_096, memory_mb: 64 }, named: "shm_size_mb" } },
    number("cpu_cores", 0),
    number("cpu_cores", -1),
    number("memory_mb", 0),
    number("memory_mb", -1),
    forged("more cores than the node has", { cpu_cores: 1_000_000 }),
    forged("more memory than the node has", { memory_mb: 2_000_000_000 }),
    forged("all GPUs", { gpu_ids: ["all"] }),
    forged("a GPU of another node", { gpu_ids: ["GPU-8a3c"] }),
    forged("a GPU twice", { gpu_ids: ["gpu-1", "gpu-1"] }),
    forged("a share where none are given", { gpu_ids: ["gpu-1"], gpu_milli: 500 }),
    forged("a share of two GPUs", { gpu_ids: ["gpu-1", "gpu-2"], gpu_milli: 500 }),
    forged("no image", { image: "" }),
    forged("a command with a NUL", { command: ["true\0"] }),
  ];
}

export function forbiddenRows(
  traps: TrapDirectory,
  own: { readonly socket: string; readonly dataDir: string },
): readonly ForbiddenRow[] {
  return [...unknownFields(), ...sources(traps, own), ...targets(traps), ...others()];
}
