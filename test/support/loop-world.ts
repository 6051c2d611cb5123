/** The real loop on a store in memory, with a journal, a clock that stands still, and nodes that do what the test says. */
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { present } from "../../base/assert.ts";
import { allocationName, asDeviceId, asNodeName, asTenantId, type JobId } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import { FileJournal } from "../../controller/journal/file-journal.ts";
import type { AllocationReport, TenantFields } from "../../controller/core/input.ts";
import { LateStarts } from "../../controller/core/late-start.ts";
import type { JobSpec } from "../../controller/core/model/job.ts";
import type { Inventory } from "../../controller/core/model/node.ts";
import type { Settings } from "../../controller/core/model/state.ts";
import type { Limits } from "../../controller/core/model/tenant.ts";
import type { Effect } from "../../controller/core/output.ts";
import { Loop } from "../../controller/loop/loop.ts";
import { createMemoryStore, MemoryDisk } from "../../controller/store/memory-store.ts";
import { START_MS } from "./core-world.ts";

const SETTINGS: Settings = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };
const READY = { ready: true, message: "" };

/** What a node of the test has: nothing begins or ends by itself. */
interface LoopNode {
  readonly name: string;
  readonly inventory: Inventory;
  session: number | undefined;
  readonly running: Map<string, AllocationReport>;
  /** What it reads of its devices, in percent; what is not there, its driver does not tell. */
  readonly utilization: Map<string, number>;
}

export class LoopWorld {
  readonly nodes = new Map<string, LoopNode>();
  readonly jobs: JobId[] = [];
  now = START_MS;
  readonly #disk = new MemoryDisk("cluster-of-the-test");
  readonly #journalPath: string;
  readonly #lateStarts = new LateStarts();
  #life: { readonly loop: Loop; readonly journal: FileJournal } | undefined;
  #lastSession = 0;

  /** @param directory where the journal's files are made, `journal.000001` and so on, once it is started */
  constructor(directory: string) {
    this.#journalPath = join(directory, "journal");
  }

  async start(): Promise<void> {
    const journal = new FileJournal({ path: this.#journalPath, log: silentLogger });
    const loop = await Loop.start({
      store: createMemoryStore(this.#disk),
      settings: SETTINGS,
      log: silentLogger,
      clock: { wallMs: () => this.now, monotonicMs: () => this.now },
      carryOut: (effect) => this.#obey(effect),
      onTermEnd: (error) => {
        throw error;
      },
      journal,
      checkEveryBatch: true,
    });
    this.#life = { loop, journal };
  }

  /** The controller ends and another takes over; streams are gone. */
  async restart(): Promise<void> {
    await this.close();
    for (const node of this.nodes.values()) node.session = undefined;
    await this.start();
  }

  async close(): Promise<void> {
    await this.#life?.loop.close();
    await this.#life?.journal.close();
  }

  /** Lets the loop take what was given to it: what comes later is in a batch of its own. */
  async settle(): Promise<void> {
    await nextTurn();
    await nextTurn();
    await this.#loop().read(() => undefined);
  }

  addTenant(id: string, limits: Limits = {}, more: Partial<TenantFields> = {}): void {
    const tenant = { name: id, limits, tier: "critical", ...more } as const;
    this.#ask(this.#loop().submit({ kind: "create-tenant", id: asTenantId(id), tenant }));
  }

  /** Its id, or those of an array's jobs, are in {@link jobs} once the loop has answered; a refusal leaves none. */
  submit(spec: Partial<JobSpec> = {}, count?: number): void {
    const whole = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1, ...spec };
    this.#ask(
      this.#loop()
        .submit({ kind: "submit-job", spec: whole, ...(count === undefined ? {} : { count }) })
        .then(({ jobId, jobIds = [jobId] }) => this.jobs.push(...jobIds)),
    );
  }

  cancel(jobId: JobId): void {
    this.#ask(this.#loop().submit({ kind: "cancel-job", jobId }));
  }

  /** The times at which waiting jobs will start are asked for, and learnt from: that changes nothing. */
  async foretell(): Promise<void> {
    await this.#loop().ask((state, at, outlook) => this.#lateStarts.look(state, at, outlook));
  }

  /** The job says from inside that its work is safe. */
  checkpoint(jobId: JobId): void {
    this.#ask(this.#loop().submit({ kind: "checkpoint", jobId }));
  }

  addNode(name: string, gpus: number): void {
    this.nodes.set(name, {
      name,
      inventory: inventoryOf(name, gpus),
      session: undefined,
      running: new Map(),
      utilization: new Map(),
    });
    this.hello(name);
  }

  hello(name: string): void {
    const node = this.node(name);
    this.#lastSession += 1;
    node.session = this.#lastSession;
    this.#loop().post({
      kind: "node-hello",
      session: node.session,
      node: asNodeName(name),
      agentId: `agent-of-${name}`,
      bootId: "boot-1",
      inventory: node.inventory,
      executor: READY,
      allocations: [...node.running.values()],
    });
  }

  disconnect(name: string): void {
    const node = this.node(name);
    const { session } = node;
    if (session !== undefined) this.#loop().post({ kind: "node-disconnected", session, node: asNodeName(name) });
    node.session = undefined;
  }

  /** Time passes, and whatever is due is looked at; connected nodes are heard if the test wants that. */
  advance(ms: number, heard: boolean): void {
    this.now += ms;
    for (const { name, session, utilization } of heard ? this.nodes.values() : []) {
      if (session === undefined) continue;
      const node = asNodeName(name);
      const telemetry = [...utilization].map(([id, utilizationPercent]) => ({
        id: asDeviceId(id),
        utilizationPercent,
      }));
      this.#loop().post({ kind: "node-heartbeat", session, node, sequence: 1, executor: READY, telemetry });
    }
    this.#loop().post({ kind: "tick" });
  }

  /** When the loop would look at something by itself; infinity when it would not. */
  async nextDeadline(): Promise<number> {
    return (await this.#loop().read((state) => state.deadlines.nextAt)) ?? Number.POSITIVE_INFINITY;
  }

  /** The names of what nodes have been told to run, and have not been told to forget. */
  running(): readonly { readonly node: string; readonly name: string }[] {
    return [...this.nodes.values()].flatMap(({ name: node, running }) =>
      [...running.keys()].map((name) => ({ node, name })),
    );
  }

  report(nodeName: string, allocation: string, state: AllocationReport["state"]): void {
    const node = this.node(nodeName);
    const known = node.running.get(allocation);
    if (!known || known.state.phase === "ended") return;
    const report = { ...known, state };
    node.running.set(allocation, report);
    const { session } = node;
    if (session !== undefined) {
      this.#loop().post({ kind: "allocation-report", session, node: asNodeName(nodeName), report });
    }
  }

  #loop(): Loop {
    return present(this.#life, "the world's loop").loop;
  }

  node(name: string): LoopNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  #obey(effect: Effect): void {
    const node = this.node(effect.node);
    if (node.session !== effect.session) return;
    if (effect.kind === "release") node.running.delete(allocationName(effect.key));
    if (effect.kind !== "launch") return;
    const key = { jobId: effect.job.id, attempt: effect.job.attempt, rank: effect.allocation.rank };
    const name = allocationName(key);
    if (node.running.has(name)) return;
    node.running.set(name, { key, devices: effect.allocation.devices, state: { phase: "starting", message: "" } });
  }

  /** A refusal is an answer like any other here. */
  #ask(answer: Promise<unknown>): void {
    answer.catch(() => undefined);
  }
}

function inventoryOf(name: string, gpus: number): Inventory {
  return {
    devices: Array.from({ length: gpus }, (_, index) => ({
      id: asDeviceId(`${name}-gpu-${index}`),
      model: "Test GPU",
      memoryMb: 80_000,
      index,
      pciBusId: "",
    })),
    cpuCores: 16,
    memoryMb: 64_000,
    labels: { zone: name },
    executor: "process",
    deviceSource: "simulated",
    deviceSourceReason: "",
    driverVersion: "",
    agentVersion: "",
    address: `${name}.test`,
    gpuGrant: "none",
    gpuGrantReason: "",
  };
}
