import { delay } from "../base/abort.ts";
import { present } from "../base/assert.ts";
import { exponentialBackoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { AllocationKey } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import { type Service, ServiceStack } from "../base/service.ts";
import type { ChangeRelay } from "./change-relay.ts";
import { CheckpointWatch } from "./checkpoint/checkpoint-watch.ts";
import type { Report } from "./core/input.ts";
import type { DeviceSource } from "./devices/device-source.ts";
import type { Doctor } from "./doctor/doctor.ts";
import type { AllocationListener, Executor, FoundAllocation } from "./executor/executor.ts";
import { Blame, withBlame } from "./health/blame.ts";
import type { SuspectAnswer } from "./health/conditions.ts";
import { HealthWatch } from "./health/health-watch.ts";
import { LeaseMarkWriter } from "./guard/lease-mark.ts";
import { hostClock } from "./host-clock.ts";
import type { Journal } from "./journal.ts";
import { joinMesh, type Mesh, type PeerOptions } from "./mesh/mesh.ts";
import type { VolumePrefix } from "./policy/container-policy.ts";
import { AgentShell } from "./shell.ts";
import { createStreamHost } from "./stream-host.ts";
import type { Answers } from "./truth/core/answers.ts";
import { Looker } from "./truth/looker.ts";
import { dial, dialLogRelay } from "./uplink/channel.ts";
import { serveLogs } from "./uplink/log-server.ts";
import { Outbox } from "./uplink/outbox.ts";
import { grpcDialling, Uplink, type UplinkTiming } from "./uplink/uplink.ts";
import { Vitals } from "./vitals.ts";

const RECOVER_BASE_MS = 500;
const RECOVER_MAX_MS = 5_000;

export interface NodeParts {
  readonly nodeName: string;
  readonly address: string;
  readonly bootId: string;
  readonly dataDir: string;
  readonly controllers: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly cpuCores: number | undefined;
  readonly memoryMb: number | undefined;
  readonly simulatedGpus: number;
  readonly allowSharing: boolean;
  /** What is done about what should not be on a device. */
  readonly onFinding: Answers;
  /** Names of programs that may be on any device. */
  readonly ignoreProcesses: readonly string[];
  readonly suspectDevices: SuspectAnswer;
  readonly volumes?: readonly VolumePrefix[];
  /** Undefined has the agent answer no other, and ask none. */
  readonly peers?: PeerOptions | undefined;
  /** Opened; the caller closes devices and executor. */
  readonly journal: Journal;
  readonly devices: DeviceSource;
  readonly executor: Executor;
  /** What the executor tells its changes to. */
  readonly changes: ChangeRelay;
  /** Undefined has nobody look at the host. */
  readonly doctor?: Doctor | undefined;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly timing?: Partial<UplinkTiming>;
}

/** How a node is at the moment. */
export interface NodePulse {
  readonly devices: number;
  /** Allocations that it knows, those that have ended and wait to be forgotten included. */
  readonly allocations: number;
  /** The leader that works with it; undefined when none does. */
  readonly leader: string | undefined;
  /** Since leases and deadlines were looked at last. */
  readonly sinceTickMs: number;
  /** Since a hello or a heartbeat left. */
  readonly sinceSaidMs: number;
}

export interface RunningNode extends Service {
  /** Resolves when it knows its host, and commands can be taken. */
  readonly working: Promise<void>;
  /** To be asked only once it works. */
  pulse(): NodePulse;
}

type WorkingNode = Omit<RunningNode, "working">;

/**
 * Recovers what the executor knows, then works for whichever leader answers, until it is closed. Where the executor cannot
 * tell what it knows (an engine that is down), the node goes on asking, and says nothing to any leader before it knows.
 */
export async function runNode(parts: NodeParts): Promise<RunningNode> {
  const found = await tryRecover(parts);
  if (found) return { ...(await work(parts, found)), working: Promise.resolve() };
  const closing = new AbortController();
  let node: WorkingNode | undefined;
  const { promise: working, resolve: onWorking } = Promise.withResolvers<void>();
  const recovering = recoverLater(parts, closing.signal).then((recovered) => {
    node = recovered;
    if (recovered) onWorking();
  });
  return {
    working,
    pulse: () => present(node, "the node that works").pulse(),
    close: async () => {
      closing.abort();
      await recovering;
      await node?.close();
    },
  };
}

async function recoverLater(parts: NodeParts, signal: AbortSignal): Promise<WorkingNode | undefined> {
  for (let retry = 0; ; retry++) {
    await delay(exponentialBackoffMs(retry, RECOVER_BASE_MS, RECOVER_MAX_MS), signal);
    if (signal.aborted) return undefined;
    const found = await tryRecover(parts);
    if (found) return work(parts, found);
  }
}

async function tryRecover({ executor, log }: NodeParts): Promise<readonly FoundAllocation[] | undefined> {
  try {
    return await executor.recover();
  } catch (error) {
    log.warn(
      { executor: executor.name, error: messageOf(error) },
      "the executor cannot tell what runs here; asking again",
    );
    return undefined;
  }
}

async function work(parts: NodeParts, found: readonly FoundAllocation[]): Promise<WorkingNode> {
  const { nodeName, bootId, journal, devices, executor, changes, log, clock = hostClock } = parts;
  const { agentId } = journal;
  const services = new ServiceStack();
  const isSimulated = devices.name === "simulated";
  const health = services.add(
    await HealthWatch.open({ ...parts, isSimulated, suspects: parts.suspectDevices, clock, log }),
  );
  const vitals = new Vitals({ devices, executor, clock, log, onNews: (news) => health.input(news) });
  await vitals.refresh();
  log.info(
    { allocations: found.length, devices: vitals.devices.length, source: devices.name },
    "the agent knows its host",
  );

  const outbox = new Outbox();
  const report = (news: Report): void => outbox.put(news);
  const mark = services.add(await LeaseMarkWriter.open(parts.dataDir, { agentId, bootId }, log));
  const onGoneBy = mark.put.bind(mark);
  const shell = services.add(new AgentShell({ executor, journal, clock, bootId, nodeName, report, onGoneBy, log }));
  const blamed = found.map((one) => ({ ...one, state: withBlame(one.state, one.deviceIds, health) }));
  shell.input({ kind: "recovered", wallMs: clock.wallMs(), found: blamed });
  const onCheckpoint = outbox.putCheckpoint.bind(outbox);
  const checkpoints = services.add(await CheckpointWatch.open({ ...parts, clock, onCheckpoint }));
  for (const { key, state } of found) checkpoints.onChange(key, state);
  const take: AllocationListener = (key, state) => {
    shell.input({ kind: "allocation-changed", key, state });
    checkpoints.onChange(key, state);
  };
  const devicesOf = (key: AllocationKey) => shell.devicesOf(key);
  const blame = services.add(new Blame({ health, devicesOf, look: () => vitals.refresh(), take }));
  changes.connect(blame.listener);
  const looker = services.add(createLooker(parts, { vitals, shell, checkpoints, clock }));
  void looker.look();
  const mesh = parts.peers && services.add(await joinMesh({ ...parts, ...parts.peers, shell }));
  let saidAtMs = clock.monotonicMs();
  const onSaid = () => {
    saidAtMs = clock.monotonicMs();
  };
  const uplink = services.add(createUplink(parts, { shell, vitals, health, looker, outbox, mesh, onSaid }));
  mesh?.attach(uplink);
  outbox.onNews = () => uplink.flush();
  return {
    pulse: () => ({
      devices: vitals.devices.length,
      allocations: shell.allocations,
      leader: uplink.isConnected ? (uplink.leader ?? "a controller by way of a peer") : undefined,
      sinceTickMs: shell.sinceTickMs,
      sinceSaidMs: clock.monotonicMs() - saidAtMs,
    }),
    close: () => services.close(),
  };
}

interface UplinkParts {
  readonly shell: AgentShell;
  readonly vitals: Vitals;
  readonly health: HealthWatch;
  readonly looker: Looker;
  readonly outbox: Outbox;
  readonly mesh: Mesh | undefined;
  readonly onSaid: () => void;
}

function createUplink(parts: NodeParts, { mesh, ...said }: UplinkParts): Uplink {
  const { nodeName, bootId, journal, executor, doctor, log } = parts;
  const { agentId } = journal;
  const identity = { nodeName, agentId, bootId };
  const inventory = { ...parts, peerAddress: mesh?.peerAddress };
  const reachesPeers = () => mesh?.reachesPeers();
  return new Uplink({
    controllers: parts.controllers,
    host: createStreamHost({ ...said, identity, inventory, doctor, reachesPeers, log }),
    relay: () => mesh?.relay(),
    dialling: grpcDialling,
    serveLogs: ({ address, via }) =>
      serveLogs(() => (via ? dialLogRelay(via.address) : dial(address)), {
        hello: { node_name: nodeName, agent_id: agentId },
        readLog: (key, how) => executor.readLog(key, how),
        log,
      }),
    log,
    ...(parts.timing && { timing: parts.timing }),
  });
}

interface LookerParts {
  readonly vitals: Vitals;
  readonly shell: AgentShell;
  readonly checkpoints: CheckpointWatch;
  readonly clock: Clock;
}

function createLooker(parts: NodeParts, { vitals, shell, checkpoints, clock }: LookerParts): Looker {
  const { journal, executor, log } = parts;
  return new Looker({
    agentId: journal.agentId,
    answers: parts.onFinding,
    ignoredPrograms: parts.ignoreProcesses,
    executor,
    refresh: () => {
      // A silent executor keeps nobody from looking.
      void vitals.refresh();
      return vitals.untilRead();
    },
    read: () => parts.devices.read(),
    devices: () => vitals.devices,
    readings: () => vitals.readings,
    allocations: () => shell.reports(),
    onDiscovered: (found) => {
      shell.input({ kind: "discovered", wallMs: clock.wallMs(), found });
      for (const { key, state } of found) checkpoints.onChange(key, state);
    },
    onGivenUp: (key, why) => shell.input({ kind: "give-up", key, why }),
    clock,
    log,
  });
}
