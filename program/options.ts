/** The options of every role. */
import { hostname } from "node:os";
import {
  address,
  duration,
  flag,
  integer,
  type Kind,
  keyValues,
  list,
  oneOf,
  path,
  port,
  text,
} from "../base/option-kinds.ts";
import { parseAddress } from "../base/address.ts";
import { DEFAULT_ANSWERS, type Answers, parseAnswers } from "../agent/truth/core/answers.ts";
import type { VolumePrefix } from "../agent/policy/container-policy.ts";
import { prefixProblem } from "../agent/volumes/reserved.ts";
import { DEFAULT_PREFIX } from "../controller/store/etcd/layout.ts";
import { DEFAULT_POLICY } from "../controller/core/model/policy.ts";
import type { OptionTable, UnsupportedFlags } from "../base/options.ts";
import { LOG_LEVELS } from "../base/logger.ts";

export interface SimulatedGpus {
  readonly count: number;
  readonly memoryMb: number;
}

export const SIMULATED_GPU_MEMORY_MB = 81_920;

/** `4`, or `4x24576MB`. */
export const simulatedGpus: Kind<SimulatedGpus> = {
  placeholder: "N[xMB]",
  expected: "a number of GPUs up to 1024, if need be with the memory of each, such as 4 or 4x81920MB",
  repeatable: false,
  parse: (value) => {
    const match = /^(\d{1,4})(?:x(\d{1,8})(?:MB)?)?$/i.exec(value);
    const count = Number(match?.[1]);
    const memoryMb = Number(match?.[2] ?? SIMULATED_GPU_MEMORY_MB);
    return count <= 1_024 && memoryMb > 0 ? { count, memoryMb } : undefined;
  },
};

const UNIT_BYTES: Readonly<Record<string, number>> = { MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };

/** `5%`, `2GiB`, or both; 0 is nothing. */
const minFreeDisk: Kind<{ readonly bytes: number | undefined; readonly share: number | undefined }> = {
  placeholder: "SIZE,…",
  expected: "a size or a share of the disk, such as 2GiB, 5% or 5%,2GiB; 0 is nothing",
  repeatable: false,
  parse: (value) => {
    if (value === "0") return { bytes: 0, share: undefined };
    let [bytes, share]: [number | undefined, number | undefined] = [undefined, undefined];
    for (const part of value.split(",")) {
      const [, percent, amount, unit] = /^(?:(\d{1,2})%|(\d{1,6})(MiB|GiB|TiB))$/.exec(part.trim()) ?? [];
      if (percent !== undefined && share === undefined) share = Number(percent) / 100;
      else if (amount !== undefined && bytes === undefined) bytes = Number(amount) * (UNIT_BYTES[unit ?? ""] ?? 0);
      else return undefined;
    }
    return { bytes, share };
  },
};

const WRITABLE = ":rw";

/** `/data`, or `/data:rw` where jobs may write. */
const volumePrefix: Kind<VolumePrefix> = {
  placeholder: "PREFIX[:rw]",
  expected: "an absolute path such as /data, or /data:rw, that is no directory of the system's own",
  repeatable: false,
  parse: (value) => {
    const writable = value.endsWith(WRITABLE);
    const prefix = writable ? value.slice(0, -WRITABLE.length) : value;
    return prefixProblem(prefix) === undefined ? { path: prefix, writable } : undefined;
  },
};

/** `7:8120`, as the controller prints it. */
const stateMark: Kind<{ readonly term: number; readonly revision: number }> = {
  placeholder: "TERM:REVISION",
  expected: "a term and a revision, such as 7:8120",
  repeatable: false,
  parse: (value) => {
    const [, term, revision] = /^(\d{1,15}):(\d{1,15})$/.exec(value) ?? [];
    return term === undefined ? undefined : { term: Number(term), revision: Number(revision) };
  },
};

/** `foreign=warn,orphan=avoid`. */
const findingAnswers: Kind<Answers> = {
  placeholder: "FINDING=ANSWER,…",
  expected:
    "pairs such as foreign=warn,orphan=avoid: docs/operations.md has the findings and what can be done about each",
  repeatable: true,
  parse: parseAnswers,
};

/** What every role has. */
const commonOptions = {
  logLevel: { kind: oneOf(...LOG_LEVELS), default: "info", help: "the least severe messages that are logged" },
  logFormat: { kind: oneOf("json", "pretty"), help: "how log lines look (pretty on a terminal, else json)" },
} satisfies OptionTable;

const insecureOption = {
  insecure: {
    kind: flag,
    default: "false",
    help: "allow listening beyond this host without authentication: whoever reaches it can run programs here",
  },
} satisfies OptionTable;

const clusterOptions = {
  advertise: { kind: address, help: "where others reach this controller (the address it listens on)" },
  nodeUnreachableAfter: { kind: duration, default: "15s", help: "silence after which a node gets no new work" },
  nodeLostAfter: { kind: duration, default: "5m", help: "silence after which a node's jobs are requeued" },
  policies: { kind: path, help: "a YAML file with policies of your own" },
  policy: {
    kind: { ...text, placeholder: "NAME", expected: "the name of a policy" },
    default: DEFAULT_POLICY.name,
    help: "how jobs are ordered and placed; gpusched policies prints all",
  },
  keepFinishedFor: { kind: duration, default: "720h", help: "how long jobs that are over stay listed (30 days)" },
  keepFinished: { kind: integer(0, 10_000_000), default: "100000", help: "how many jobs that are over stay listed" },
  archive: { kind: path, help: "the directory for jobs that are no longer listed (archive in the data directory)" },
  acceptStateLoss: {
    kind: stateMark,
    help: "go on from a state that is older than what agents remember, as a refusal to do so has said",
  },
  journal: { kind: path, help: "where to take down all inputs and decisions, for gpusched replay (nowhere)" },
} satisfies OptionTable;

const rateLimitOption = {
  rateLimit: { kind: integer(1, 1_000_000), default: "100", help: "requests per second that each client may make" },
} satisfies OptionTable;

export const imageOptions = {
  registryAuth: { kind: path, help: "a file of credentials for registries, as docker login writes it (none)" },
  pullTimeout: { kind: duration, default: "5m", help: "how long a pull may come no further before it is given up" },
  maxPulls: { kind: integer(1, 100), default: "3", help: "how many images are pulled at once" },
  keepImagesFor: {
    kind: duration,
    default: "14d",
    help: "how long images that this agent pulled are kept after their last use",
  },
} satisfies OptionTable;

const nodeOptions = {
  nodeName: { kind: text, default: hostname(), help: "the name under which this host registers" },
  address: { kind: text, help: "the host name or IP address where jobs on other nodes reach this host" },
  dockerSocket: { kind: path, default: "/var/run/docker.sock", help: "where Docker answers" },
  dockerRuntime: { kind: text, help: "the Docker runtime for all jobs (chosen by how GPUs are granted)" },
  gpuGrant: {
    kind: oneOf("auto", "cdi", "runtime", "device-requests", "devices", "none"),
    default: "auto",
    help: "how containers get their GPUs",
  },
  ...imageOptions,
  minFreeDisk: {
    kind: minFreeDisk,
    default: "5%,2GiB",
    help: "what must stay free on the disks of Docker and of the data directory; the least of those given",
  },
  simulateGpus: { kind: simulatedGpus, help: "pretend to have N GPUs, each with MB of memory (81920)" },
  allowSharing: {
    kind: flag,
    default: "false",
    help: "let several jobs share a GPU, each with its part of it (gpu_milli)",
  },
  onFinding: {
    kind: findingAnswers,
    default: Object.entries(DEFAULT_ANSWERS)
      .map(([finding, answer]) => `${finding}=${answer}`)
      .join(","),
    help: "what is done about what should not be on a GPU; what is not named is as by default",
  },
  ignoreProcesses: {
    kind: list(text),
    default: "Xorg,Xwayland,gnome-shell,kwin_wayland",
    help: "programs that may be on any GPU, with up to 1024 MB of its memory",
  },
  suspectDevices: {
    kind: oneOf("avoid", "use"),
    default: "avoid",
    help: "whether jobs get GPUs of which something was seen that may be a fault",
  },
  containerPolicy: {
    kind: path,
    help: "a YAML file of root's with what jobs may be here (/etc/gpusched/policy.yaml, if it is there)",
  },
  allowVolume: {
    kind: list(volumePrefix),
    help: "paths of this host below which jobs may have volumes, to read or also to write (none)",
  },
  heartbeat: { kind: duration, default: "5s", help: "how often the agent reports" },
  labels: { kind: keyValues, default: "", help: "labels of this node, for jobs to select it" },
  cpuCores: { kind: integer(1, 100_000), help: "cores for jobs (all of the host's)" },
  memoryMb: { kind: integer(1, 1_000_000_000), help: "memory for jobs (all of the host's)" },
} satisfies OptionTable;

const executor = oneOf("docker", "process");

/** Where etcd answers: `http://host:2379`, or just `host:2379`. */
export const etcdEndpoint: Kind<string> = {
  placeholder: "URL",
  expected: "an address such as http://10.0.0.5:2379 or https://etcd-1:2379",
  repeatable: false,
  parse: (value) => {
    const [, bare = ""] = /^(?:https?:\/\/)?([^/]+)\/?$/.exec(value) ?? [];
    return parseAddress(bare) ? value : undefined;
  },
};

export const etcdOptions = {
  etcd: {
    kind: list(etcdEndpoint),
    help: "keep the state in this etcd instead of --data-dir, and take turns with other controllers",
  },
  etcdPrefix: { kind: text, default: DEFAULT_PREFIX, help: "below which all keys lie" },
  etcdCa: { kind: path, help: "certificates that etcd's must be signed by, in a PEM file; needed with https" },
  etcdCert: { kind: path, help: "this controller's certificate for etcd, in a PEM file" },
  etcdKey: { kind: path, help: "the key of that certificate, in a PEM file" },
  allowOldEtcd: {
    kind: flag,
    default: "false",
    help: "take an etcd older than 3.5.28 or 3.6.9, which may end leases that are in use",
  },
  electionTtl: {
    kind: duration,
    default: "5s",
    help: "how long nobody leads at most after a leader's sudden end; whole seconds",
  },
} satisfies OptionTable;

export const controllerOptions = {
  listen: { kind: address, default: "127.0.0.1:9090", help: "where gateways and agents connect" },
  ...clusterOptions,
  dataDir: { kind: path, default: "./data/controller", help: "where everything is stored" },
  metricsListen: { kind: address, help: "where /metrics and /health of this controller are served (nowhere)" },
  ...etcdOptions,
  ...insecureOption,
  ...commonOptions,
} satisfies OptionTable;

export const gatewayOptions = {
  listen: { kind: address, default: "127.0.0.1:8080", help: "where the REST API is served" },
  controllers: { kind: list(address), default: "127.0.0.1:9090", help: "the controllers" },
  ...rateLimitOption,
  ...insecureOption,
  ...commonOptions,
} satisfies OptionTable;

export const agentOptions = {
  controllers: { kind: list(address), default: "127.0.0.1:9090", help: "the controllers" },
  dataDir: { kind: path, default: "./data/agent", help: "where this agent keeps its journal and the output of jobs" },
  executor: { kind: executor, default: "docker", help: "what runs jobs" },
  peerListen: {
    kind: address,
    help: "where other agents ask whether this one hears a leader, and are relayed (nowhere: then there is the lease alone)",
  },
  peerAddress: { kind: address, help: "where they reach it (where it listens, or --address if that is everywhere)" },
  requireSafeVersions: {
    kind: flag,
    default: "false",
    help: "start no jobs while Docker, runc or NVIDIA's toolkit is of a version that is known to be unsafe",
  },
  ...nodeOptions,
  ...insecureOption,
  ...commonOptions,
} satisfies OptionTable;

export const guardOptions = {
  dataDir: { kind: path, default: "./data/agent", help: "the data directory of the agent that is guarded" },
  executor: { kind: executor, default: "docker", help: "what runs its jobs" },
  dockerSocket: nodeOptions.dockerSocket,
  ...commonOptions,
} satisfies OptionTable;

const { controllers, peerListen, peerAddress } = agentOptions;
const { dockerSocket, dockerRuntime, gpuGrant, containerPolicy } = nodeOptions;

/** What it looks at is what the agent of the host is told. */
export const doctorOptions = {
  output: { kind: oneOf("table", "json"), default: "table", help: "how findings are told; -o is the same" },
  all: { kind: flag, default: "false", help: "a line for each check, also where all is well" },
  controllers,
  dataDir: { kind: path, default: "./data/agent", help: "the data directory of the agent" },
  executor: { kind: executor, default: "docker", help: "what runs its jobs" },
  dockerSocket,
  dockerRuntime,
  gpuGrant,
  containerPolicy,
  simulateGpus: { kind: simulatedGpus, help: "the GPUs are simulated: the host's own do not matter" },
  peerListen,
  peerAddress,
} satisfies OptionTable;

export const firewallOptions = {
  controllers,
  containerPolicy,
  print: { kind: flag, default: "false", help: "print the rules for nft, and load nothing" },
  remove: { kind: flag, default: "false", help: "take the rules away" },
} satisfies OptionTable;

export const devOptions = {
  host: { kind: text, default: "127.0.0.1", help: "the address on which the REST API is served" },
  httpPort: { kind: port, default: "8080", help: "the port of the REST API; 0 is any free one" },
  grpcPort: { kind: port, default: "9090", help: "the port of the gRPC API on 127.0.0.1; 0 is any free one" },
  dataDir: { kind: path, default: "./data", help: "where everything is stored" },
  executor: { kind: executor, help: "what runs jobs (docker if it answers, else process)" },
  ...clusterOptions,
  ...rateLimitOption,
  ...nodeOptions,
  ...insecureOption,
  ...commonOptions,
} satisfies OptionTable;

export const unsupportedByController = {} satisfies UnsupportedFlags;

export const unsupportedByGateway = {
  "jwt-jwks-url": "",
  "jwt-public-key": "",
  "jwt-issuer": "",
  "jwt-audience": "",
} satisfies UnsupportedFlags;

export const unsupportedByAgent = {} satisfies UnsupportedFlags;

export const unsupportedByGuard = {} satisfies UnsupportedFlags;

export const unsupportedByDev = {
  "metrics-listen": "the gateway serves /metrics",
  ...unsupportedByGateway,
} satisfies UnsupportedFlags;
