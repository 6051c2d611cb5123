/** The core with no system around it: inputs in, effects to obedient nodes of the test, invariants checked after every step. */
import { RequestError } from "../../base/errors.ts";
import {
  type AllocationKey,
  allocationName,
  asDeviceId,
  asJobId,
  asNodeName,
  asTenantId,
  type JobId,
} from "../../base/ids.ts";
import type { AllocationReport, Input, TenantFields, Unstamped } from "../../controller/core/input.ts";
import { checkInvariants, checkQuotas } from "../../controller/core/invariants.ts";
import type { AllocationEnd } from "../../controller/core/model/allocation.ts";
import type { DeviceCondition } from "../../controller/core/model/device-condition.ts";
import type { Job, JobSpec } from "../../controller/core/model/job.ts";
import { GOOD_BEATS_NEEDED, type Inventory } from "../../controller/core/model/node.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { type Settings, State } from "../../controller/core/model/state.ts";
import { type Effect, Output, type RowWrite } from "../../controller/core/output.ts";
import { schedule } from "../../controller/core/schedule/pass.ts";
import { type Answer, step } from "../../controller/core/step.ts";
import { recover } from "../../controller/loop/recovery.ts";

export const START_MS = 1_700_000_000_000;

const HEARTBEAT_MS = 5_000;
const SETTINGS: Settings = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };

/** What a node of the test has running: nothing ends by itself. */
export interface FakeNode {
  readonly name: string;
  session: number | undefined;
  readonly inventory: Inventory;
  bootId: string;
  readonly running: Map<string, AllocationReport>;
  readonly stopping: Set<string>;
  /** What it reads of its devices, in percent; what is not there, its driver does not tell. */
  readonly utilization: Map<string, number>;
  /** The newest time of the leader's that it has heard on its stream. */
  heardAt: number | undefined;
  /** The version of the membership that it has. */
  membership: number | undefined;
  /** What it says of its devices, and whether it can start jobs. */
  conditions: readonly DeviceCondition[] | undefined;
  ready: boolean;
}

export class CoreWorld {
  state: State;
  now = START_MS;
  readonly rows = new Map<string, RowWrite>();
  readonly nodes = new Map<string, FakeNode>();
  /** Every effect so far, oldest first. */
  readonly effects: Effect[] = [];
  #lastSession = 0;

  constructor(settings: Partial<Settings> = {}) {
    this.state = new State({ ...SETTINGS, ...settings }, START_MS);
  }

  /** Applies one input, runs a pass, checks everything, and lets the nodes obey. */
  apply(input: Unstamped<Input>): Answer {
    const out = new Output();
    const answer = step(this.state, { ...input, at: this.now }, out);
    schedule(this.state, out, this.now);
    checkInvariants(this.state);
    checkQuotas(this.state);
    for (const row of out.writes) this.rows.set(`${row.table}/${row.key}`, structuredClone(row));
    this.effects.push(...out.effects);
    for (const effect of out.effects) this.#obey(effect);
    return answer;
  }

  /** The controller dies and another loads what was written; streams are gone. */
  restart(): void {
    const rows = [...this.rows.values()].flatMap(({ table, key, value }) => {
      return value ? [{ table, key, value: { ...value } }] : [];
    });
    this.state = recover({ clusterId: "c", term: 2, revision: 1, rows }, this.state.settings, this.now);
    for (const node of this.nodes.values()) node.session = undefined;
    checkInvariants(this.state);
  }

  /** Time passes; whatever is due is looked at. */
  advance(ms: number): void {
    this.now += ms;
    this.apply({ kind: "tick" });
  }

  /** As {@link advance}, with every connected node heard meanwhile. */
  advanceHeard(ms: number): void {
    const until = this.now + ms;
    while (this.now < until) {
      this.now = Math.min(until, this.now + HEARTBEAT_MS);
      for (const node of this.nodes.values()) if (node.session !== undefined) this.heartbeat(node.name);
      this.apply({ kind: "tick" });
    }
  }

  addTenant(id = "tenant-1", options: Partial<TenantFields> = {}): void {
    const tenant = { name: id, limits: {}, tier: "critical", ...options } as const;
    this.apply({ kind: "create-tenant", id: asTenantId(id), tenant });
  }

  addNode(
    name: string,
    options: {
      gpus?: number;
      gpuMemoryMb?: number;
      cpuCores?: number;
      memoryMb?: number;
      model?: string;
      labels?: Record<string, string>;
      executor?: "docker" | "process";
      allowsSharing?: boolean;
      volumePrefixes?: Inventory["volumePrefixes"];
      peerAddress?: string;
    } = {},
  ): FakeNode {
    const { gpus = 8, gpuMemoryMb = 80_000, cpuCores = 64, memoryMb = 512_000, model = "Test GPU" } = options;
    const inventory: Inventory = {
      devices: Array.from({ length: gpus }, (_, index) => ({
        id: asDeviceId(`${name}-gpu-${index}`),
        model,
        memoryMb: gpuMemoryMb,
        index,
        pciBusId: "",
      })),
      cpuCores,
      memoryMb,
      labels: options.labels ?? {},
      executor: options.executor ?? "process",
      deviceSource: "simulated",
      deviceSourceReason: "",
      driverVersion: "",
      agentVersion: "",
      address: `${name}.test`,
      gpuGrant: "none",
      gpuGrantReason: "",
      allowsSharing: options.allowsSharing ?? false,
      ...(options.volumePrefixes === undefined ? {} : { volumePrefixes: options.volumePrefixes }),
      ...(options.peerAddress === undefined ? {} : { peerAddress: options.peerAddress }),
    };
    const node: FakeNode = {
      name,
      session: undefined,
      inventory,
      bootId: "boot-1",
      running: new Map(),
      stopping: new Set(),
      utilization: new Map(),
      heardAt: undefined,
      membership: undefined,
      conditions: undefined,
      ready: true,
    };
    this.nodes.set(name, node);
    this.hello(name);
    return node;
  }

  node(name: string): FakeNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  hello(name: string, number?: number): void {
    const node = this.node(name);
    this.#lastSession += 1;
    node.session = this.#lastSession;
    node.heardAt = undefined;
    this.apply({
      kind: "node-hello",
      session: node.session,
      node: asNodeName(name),
      agentId: `agent-of-${name}`,
      bootId: node.bootId,
      ...(number === undefined ? {} : { number }),
      ...(node.membership === undefined ? {} : { membership: node.membership }),
      inventory: node.inventory,
      ...saidBy(node),
      allocations: [...node.running.values()],
    });
  }

  heartbeat(name: string): void {
    const { session, heardAt, membership, utilization } = this.node(name);
    if (session === undefined) return;
    const known = {
      ...(heardAt === undefined ? {} : { echo: heardAt }),
      ...(membership === undefined ? {} : { membership }),
    };
    const telemetry = [...utilization].map(([id, utilizationPercent]) => ({ id: asDeviceId(id), utilizationPercent }));
    const common = { session, node: asNodeName(name), sequence: 1, ...saidBy(this.node(name)), telemetry };
    this.apply({ kind: "node-heartbeat", ...common, ...known });
  }

  /** A node that was lost, and is back, is heard to be well for as long as it has to be. */
  prove(name: string): void {
    for (let good = 0; good < GOOD_BEATS_NEEDED; good++) this.heartbeat(name);
  }

  disconnect(name: string): void {
    const node = this.node(name);
    if (node.session !== undefined)
      this.apply({ kind: "node-disconnected", session: node.session, node: asNodeName(name) });
    node.session = undefined;
  }

  submit(spec: Partial<JobSpec> = {}): JobId {
    const answer = this.trySubmit(spec);
    if (answer instanceof RequestError) throw answer;
    if (!answer || !("jobId" in answer)) throw new Error("no job id");
    return answer.jobId;
  }

  trySubmit(spec: Partial<JobSpec> = {}): Answer {
    return this.apply({
      kind: "submit-job",
      spec: { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1, ...spec },
    });
  }

  cancel(id: JobId): Answer {
    return this.apply({ kind: "cancel-job", jobId: asJobId(id) });
  }

  /** The job says that all it has done is safe. */
  checkpoint(id: JobId): Answer {
    return this.apply({ kind: "checkpoint", jobId: asJobId(id) });
  }

  /** All ranks of the job begin to run. */
  beginAll(id: JobId): void {
    for (const { rank } of this.job(id).allocations) this.begin(id, rank);
  }

  /** The nodes report that what they were told to stop of the job is gone. */
  stopped(id: JobId): void {
    for (const { rank, state } of this.job(id).allocations) if (state.phase !== "ended") this.end(id, 143, rank);
  }

  job(id: JobId): Job {
    return this.state.job(id);
  }

  /** The node says that the rank runs. */
  begin(id: JobId, rank = 0): void {
    this.#report(id, rank, { phase: "running", startedAt: this.now });
  }

  /** The node says that the rank has ended. */
  end(id: JobId, exitCode = 0, rank = 0): void {
    this.endAs(id, { kind: "exited", exitCode, outOfMemory: false, message: "" }, rank);
  }

  endAs(id: JobId, end: AllocationEnd, rank = 0): void {
    this.#report(id, rank, { phase: "ended", startedAt: this.now, endedAt: this.now, end });
  }

  #report(id: JobId, rank: number, state: AllocationReport["state"]): void {
    const job = this.job(id);
    const allocation = job.allocations[rank];
    if (!allocation) throw new Error(`${id} has no rank ${rank}`);
    this.reportFor({ jobId: id, attempt: job.attempt, rank }, allocation.node, state);
  }

  /** What a node does with an allocation of its own, and tells if it is connected. */
  reportFor(key: AllocationKey, nodeName: string, state: AllocationReport["state"]): void {
    const node = this.node(nodeName);
    const name = allocationName(key);
    const known = node.running.get(name);
    if (!known) return;
    const report = { ...known, state };
    node.running.set(name, report);
    if (node.session === undefined) return;
    this.apply({ kind: "allocation-report", session: node.session, node: asNodeName(nodeName), report });
  }

  #obey(effect: Effect): void {
    const node = this.node(effect.node);
    if (node.session !== effect.session) return;
    if (effect.kind === "welcome" || effect.kind === "heartbeat-ack") node.heardAt = effect.at;
    if (effect.kind === "membership") node.membership = effect.membership.version;
    if (effect.kind === "launch") {
      const key = { jobId: effect.job.id, attempt: effect.job.attempt, rank: effect.allocation.rank };
      const name = allocationName(key);
      if (!node.running.has(name)) {
        node.running.set(name, { key, devices: effect.allocation.devices, state: { phase: "starting", message: "" } });
      }
    }
    if (effect.kind === "stop") node.stopping.add(allocationName(effect.key));
    if (effect.kind === "release") node.running.delete(allocationName(effect.key));
  }
}

/** What a node says of its own health. */
function saidBy({ ready, conditions }: FakeNode) {
  const executor = { ready, message: ready ? "" : "a test" };
  return conditions ? { executor, conditions } : { executor };
}
