import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChangeRelay } from "../../agent/change-relay.ts";
import type { FoundAllocation } from "../../agent/executor/executor.ts";
import type { Doctor } from "../../agent/doctor/doctor.ts";
import { Journal } from "../../agent/journal.ts";
import { type RunningNode, runNode } from "../../agent/node.ts";
import type { DeviceSource } from "../../agent/devices/device-source.ts";
import type { SuspectAnswer } from "../../agent/health/conditions.ts";
import type { UplinkTiming } from "../../agent/uplink/uplink.ts";
import { DEFAULT_ANSWERS } from "../../agent/truth/core/answers.ts";
import type { Clock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import { FakeDeviceSource } from "./fake-device-source.ts";
import { FakeExecutor } from "./fake-executor.ts";

export interface FakeNode extends Service {
  readonly executor: FakeExecutor;
  readonly devices: FakeDeviceSource;
  readonly journal: Journal;
  readonly node: RunningNode;
}

export interface FakeNodeOptions {
  readonly controllers: readonly string[];
  /** A directory of the caller's, to be used again; else one that lasts as long as the node. */
  readonly dataDir?: string;
  readonly found?: readonly FoundAllocation[];
  readonly timing?: Partial<UplinkTiming>;
  readonly doctor?: Doctor;
  readonly bootId?: string;
  readonly clock?: Clock;
  readonly suspectDevices?: SuspectAnswer;
  /** Instead of the fake ones; the caller closes it. */
  readonly source?: DeviceSource;
  /** Before the agent asks them anything. */
  readonly prepare?: (parts: { readonly executor: FakeExecutor; readonly devices: FakeDeviceSource }) => void;
}

/** A whole agent on fake devices and a fake executor, called `node-1`, with two GPUs. */
export async function startFakeNode(options: FakeNodeOptions): Promise<FakeNode> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "gpusched-agent-")));
  const changes = new ChangeRelay();
  const executor = new FakeExecutor(changes.listener);
  executor.found = options.found ?? [];
  const devices = new FakeDeviceSource(2);
  options.prepare?.({ executor, devices });
  const journal = await Journal.open(dataDir);
  const node = await runNode({
    nodeName: "node-1",
    address: "127.0.0.1",
    bootId: options.bootId ?? "boot-1",
    dataDir,
    controllers: options.controllers,
    labels: { zone: "a" },
    cpuCores: undefined,
    memoryMb: undefined,
    simulatedGpus: 2,
    allowSharing: false,
    onFinding: DEFAULT_ANSWERS,
    ignoreProcesses: [],
    suspectDevices: options.suspectDevices ?? "avoid",
    journal,
    devices: options.source ?? devices,
    executor,
    changes,
    doctor: options.doctor,
    log: silentLogger,
    ...(options.clock && { clock: options.clock }),
    timing: { heartbeatMs: 30, backoffBaseMs: 20, backoffMaxMs: 50, ...options.timing },
  });
  const close = async (): Promise<void> => {
    await node.close();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  return { executor, devices, journal, node, close };
}
