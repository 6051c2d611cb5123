import type { Logger } from "../base/logger.ts";
import { type Service, ServiceStack } from "../base/service.ts";
import { ChangeRelay } from "./change-relay.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import type { MinFree } from "./disk/disk-room.ts";
import type { DeviceSource } from "./devices/device-source.ts";
import { discoverDevices } from "./devices/discover.ts";
import { Doctor, examiner } from "./doctor/doctor.ts";
import type { AllocationListener, Executor } from "./executor/executor.ts";
import type { ImageSettings } from "./executor/docker/images/image-store.ts";
import { createProcessExecutor } from "./executor/process/process-executor.ts";
import { capacity, readBootId } from "./inventory.ts";
import type { SuspectAnswer } from "./health/conditions.ts";
import { Journal } from "./journal.ts";
import type { PeerOptions } from "./mesh/mesh.ts";
import type { KnownPolicy } from "./policy/container-policy.ts";
import { type NodePulse, runNode } from "./node.ts";
import type { Answers } from "./truth/core/answers.ts";

export interface AgentOptions {
  /** `host:port`, at least one; any of the cluster. */
  readonly controllers: readonly string[];
  readonly nodeName: string;
  /** Where the other ranks of a gang reach this host. */
  readonly address: string;
  readonly dataDir: string;
  readonly executor: "docker" | "process";
  readonly dockerSocket: string;
  /** Undefined is the engine's default runtime. */
  readonly dockerRuntime: string | undefined;
  readonly gpuGrant: "auto" | "cdi" | "runtime" | "device-requests" | "devices" | "none";
  readonly images: Omit<ImageSettings, "minFreeDisk">;
  /** Of the disks of Docker and of the data directory: with less, no new jobs come. */
  readonly minFreeDisk: MinFree;
  readonly simulateGpus: { readonly count: number; readonly memoryMb: number } | undefined;
  /** Jobs may have a part of a device. */
  readonly allowSharing: boolean;
  /** What is done about what should not be on a device. */
  readonly onFinding: Answers;
  /** Names of programs that may be on any device. */
  readonly ignoreProcesses: readonly string[];
  /** Whether jobs are given devices of which something was seen that may be theirs. */
  readonly suspectDevices: SuspectAnswer;
  /** What jobs may be and see on this host. */
  readonly policy: KnownPolicy;
  /** Directories of gpusched's own beside `dataDir`: no job is given any of them. */
  readonly reserved: readonly string[];
  readonly labels: Record<string, string>;
  /** Where other agents reach this one; undefined where they cannot: then there is the lease alone. */
  readonly peers?: PeerOptions | undefined;
  /** Between heartbeats. */
  readonly heartbeatMs: number;
  /** No job starts while a version is in use that is known to be unsafe. */
  readonly requireSafeVersions?: boolean;
  /** Undefined is all that the host has. */
  readonly cpuCores: number | undefined;
  readonly memoryMb: number | undefined;
  readonly log: Logger;
}

export interface Agent extends Service {
  readonly nodeName: string;
  /** Sentences for a person: what was found, what is simulated. */
  readonly notes: readonly string[];
  /** Resolves when it knows its host, and commands can be taken: an engine that is down is asked again until then. */
  readonly working: Promise<void>;
  pulse(): NodePulse;
}

/**
 * Starts this host's agent: takes the data directory, finds devices and jobs of before, then looks for the leader for as
 * long as it lives. Closing it leaves every job as it is; the next agent on the directory adopts them.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const services = new ServiceStack();
  try {
    return await start(options, services);
  } catch (error) {
    await services.close();
    throw error;
  }
}

async function start(options: AgentOptions, services: ServiceStack): Promise<Agent> {
  const { nodeName, dataDir, simulateGpus, heartbeatMs } = options;
  const log = options.log.child({ node: nodeName });
  services.add(await lockDataDir(dataDir));
  const journal = await Journal.open(dataDir);
  const bootId = await readBootId();
  const devices = services.add(await discoverDevices({ simulateGpus, log }));
  const changes = new ChangeRelay();
  const { listener: onChange } = changes;
  const executor = services.add(await createExecutor({ ...options, devices, log, agentId: journal.agentId, onChange }));
  const doctor = services.add(createDoctor({ ...options, log }, executor));
  const simulatedGpus = simulateGpus?.count ?? 0;
  const { volumes } = options.policy.policy;
  const timing = { heartbeatMs };
  const node = services.add(
    await runNode({
      ...options,
      volumes,
      simulatedGpus,
      journal,
      bootId,
      devices,
      executor,
      changes,
      doctor,
      timing,
      log,
    }),
  );
  return {
    nodeName,
    notes: notesOf(options, devices, executor),
    working: node.working,
    pulse: () => node.pulse(),
    close: () => services.close(),
  };
}

async function createExecutor(
  options: AgentOptions & {
    readonly agentId: string;
    readonly devices: DeviceSource;
    readonly onChange: AllocationListener;
  },
): Promise<Executor> {
  const { policy } = options.policy;
  if (options.executor === "process") {
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const reserved = [options.dataDir, ...options.reserved, options.dockerSocket];
    return createProcessExecutor({ ...options, volumeRules: { prefixes: policy.volumes, reserved, user } });
  }
  // Loaded only here: the client of the Docker Engine takes as long to load as all of the rest of an agent.
  const { createDockerExecutor } = await import("./executor/docker/docker-executor.ts");
  const { dockerSocket: socketPath, dockerRuntime: runtime, simulateGpus } = options;
  const images = { ...options.images, minFreeDisk: options.minFreeDisk };
  return createDockerExecutor({
    ...options,
    policy,
    socketPath,
    runtime,
    images,
    simulated: simulateGpus !== undefined,
  });
}

function createDoctor(
  { requireSafeVersions = false, peers, simulateGpus, log, ...options }: AgentOptions,
  { limits }: Executor,
): Doctor {
  const [peerListen, peerAddress] = [peers?.listen, peers?.advertise];
  const simulated = simulateGpus !== undefined;
  return new Doctor({
    requireSafeVersions,
    examine: examiner({
      ...options,
      containerPolicy: options.policy.policy,
      peerListen,
      peerAddress,
      simulated,
      limits,
    }),
    log,
  });
}

function notesOf(options: AgentOptions, devices: DeviceSource, executor: Executor): string[] {
  const { simulateGpus: simulated } = options;
  const { cpu_cores, memory_mb } = capacity({ ...options, simulatedGpus: simulated?.count ?? 0 });
  const gpus =
    simulated === undefined
      ? [`GPUs are found through ${devices.name}: ${devices.reason}`]
      : [
          `${simulated.count} GPUs with ${simulated.memoryMb} MB each are simulated: no job computes on a real one`,
          `the node offers ${cpu_cores} cores and ${memory_mb} MB of memory, whatever this host has`,
        ];
  const jobs =
    executor.name === "docker"
      ? ["jobs run in Docker containers", options.policy.note]
      : [`jobs run as plain processes, ${executor.limits.reason}`];
  return [...gpus, ...jobs, `devices reach jobs by ${executor.gpuGrant.kind}: ${executor.gpuGrant.reason}`];
}
