import { UNTOLD_DEVICE } from "../../agent/devices/device-source.ts";
import type { Executor } from "../../agent/executor/executor.ts";
import type { StreamHost } from "../../agent/uplink/control-stream.ts";
import { asDeviceId, type JobId } from "../../base/ids.ts";
import { meshTiming } from "../../controller/core/model/membership.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import type { Settings } from "../../controller/core/model/state.ts";
import { Random } from "../support/random.ts";
import { AgentWatch } from "./agent-watch.ts";
import { Clients } from "./clients.ts";
import { Coverage } from "./coverage.ts";
import { type Condition, type FaultKind, Faults } from "./faults.ts";
import { LedgerWatch } from "./ledger-watch.ts";
import { ModelAgent } from "./model-agent.ts";
import { peerAddressOf } from "./model-dialling.ts";
import { ModelController } from "./model-controller.ts";
import type { Container } from "./container.ts";
import { MeshWatch } from "./mesh-watch.ts";
import { ModelHost } from "./model-host.ts";
import { ModelStore } from "./model-store.ts";
import { Network } from "./network.ts";
import { Runs } from "./runs.ts";
import { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import type { AgentView, HostView, WorldView } from "./world-view.ts";

const MAX_NODES = 12;
const LOOK_EVERY_MS = 5_000;

/** Short, so that a seed meets everything that takes this long. */
export const SETTINGS: Settings = {
  nodeUnreachableAfterMs: 15_000,
  nodeLostAfterMs: 60_000,
  policy: { ...DEFAULT_POLICY, preemption: { minRunMs: 10_000, minWaitMs: 2_000, maxGpusPerGpu: 2 } },
};

/** A cluster and all that is true of it. One seed makes one world. */
export class World implements WorldView {
  readonly trace: Trace;
  readonly timeline: Timeline;
  readonly coverage = new Coverage();
  readonly faults: Faults;
  readonly network: Network;
  readonly store: ModelStore;
  readonly runs: Runs;
  readonly ledger: LedgerWatch;
  readonly mesh: MeshWatch = new MeshWatch(this, meshTiming(SETTINGS));
  readonly clients: Clients;
  readonly controllers: ModelController[] = [];
  readonly agents: ModelAgent[] = [];
  /** What should never have happened, in order. */
  readonly violations: string[] = [];
  readonly random: Random;
  readonly #watch = new AgentWatch(this);
  /** How likely a node is reached by others: in some clusters none is, in most all are. */
  readonly #peersShare: number;

  /** @param always faults that are not left to chance */
  constructor(seed: number, trace: Trace, always?: readonly (FaultKind | Condition)[]) {
    const random = new Random(seed);
    const fork = () => new Random(random.between(0, 2 ** 32 - 1));
    this.random = fork();
    this.trace = trace;
    this.timeline = new Timeline(trace);
    this.faults = new Faults(fork(), always);
    this.network = new Network(this.timeline, fork());
    const violate = (what: string) => this.violate(what);
    this.runs = new Runs(violate);
    this.ledger = new LedgerWatch(this.runs, {
      violate,
      onChange: (from, to) => this.coverage.count(`job: ${from} → ${to}`),
      onRequeue: (node, name) => this.mesh.checkRequeue(node, name),
    });
    const kind = this.random.next() < 0.3 ? "sqlite" : "etcd";
    this.store = new ModelStore(kind, this.network, fork(), (writes, term) => {
      this.ledger.onCommit(writes, term);
      trace.decided(JSON.stringify(writes));
    });
    this.coverage.count(`store: ${kind}`);
    this.clients = new Clients(this, fork());
    this.#applyConditions();
    const controllers = kind === "sqlite" ? 1 : this.random.between(1, 3);
    for (let index = 1; index <= controllers; index += 1) {
      this.controllers.push(new ModelController(this, `controller-${index}`, SETTINGS));
    }
    this.#peersShare = this.random.pick([0, 0.8, 1, 1, 1]) ?? 1;
    const nodes = this.random.pick([1, 2, 3, 3, 4, 5, 5, 6]) ?? 3;
    for (let index = 0; index < nodes; index += 1) this.addNode();
  }

  /** One more machine, as far as there is room for it. */
  addNode(): void {
    if (this.agents.length >= MAX_NODES) return;
    const name = `node-${this.agents.length + 1}`;
    const devices = Array.from({ length: this.random.between(1, 4) }, (_, index) => ({
      ...UNTOLD_DEVICE,
      id: asDeviceId(`${name}-gpu-${index}`),
      model: "Simulated",
      memoryMb: 80_000,
      index,
      pciBusId: "",
    }));
    const random = new Random(this.random.between(0, 2 ** 32 - 1));
    const peerAddress = random.next() < this.#peersShare ? peerAddressOf(name) : undefined;
    const host = new ModelHost(this, name, { devices, allowSharing: this.random.next() < 0.5, peerAddress, random });
    this.agents.push(new ModelAgent(this, host));
  }

  violate(what: string): void {
    this.violations.push(`at ${(this.timeline.now / 1_000).toFixed(3)} s: ${what}`);
    this.trace.note(this.timeline.now, "VIOLATION", () => what);
  }

  onContainerStart(host: HostView, container: Container): void {
    this.coverage.count("container starts");
    this.trace.note(this.timeline.now, host.name, () => `${container.name} begins to run`);
    this.runs.onStart(host, container);
    this.clients.checkStart(container.spec.key);
    // A launch may come late, but never before it is durable.
    const job = this.ledger.jobs.get(container.spec.key.jobId);
    if (!job || job.attempt < container.spec.key.attempt) this.violate(`${container.name} starts before it is durable`);
    // Nor once the ledger has given it up: nobody waits for it any more.
    else if (!this.ledger.wanted(container.spec.key, host.name))
      this.violate(`${container.name} starts on ${host.name} and is over`);
  }

  onContainerEnd(host: HostView, container: Container): void {
    this.runs.onEnd(container);
    this.trace.note(this.timeline.now, host.name, () => `${container.name} ends: ${JSON.stringify(container.end)}`);
  }

  /** The executor as its agent's core reaches it. */
  watchExecutor(agent: AgentView, executor: Executor): Executor {
    return this.#watch.executor(agent, executor);
  }

  /** An agent's process begins. */
  watchBegin(agent: AgentView): void {
    this.#watch.begin(agent);
  }

  /** What an agent says and hears. */
  watchStream(agent: AgentView, host: StreamHost): StreamHost {
    return this.#watch.stream(agent, host);
  }

  /** Looks, over and over, what runs without a lease, and who is relayed. */
  lookAround(): void {
    this.mesh.look();
    for (const { host, answeredFromMs, isRelayed } of this.agents) {
      const isOver = this.timeline.now - answeredFromMs > SETTINGS.nodeLostAfterMs;
      const runs = host.running().some(({ spec }) => spec.requeueOnNodeLost);
      if (isOver && runs) this.coverage.count("runs beyond its lease");
      if (isRelayed) this.coverage.count("is relayed");
    }
    this.timeline.after(LOOK_EVERY_MS, undefined, "looks around", () => this.lookAround());
  }

  /** No more faults: everybody is alive, reached, and answered. */
  heal(): void {
    this.faults.isOver = true;
    this.store.isFull = false;
    this.network.unblockAll();
    for (const controller of this.controllers) controller.revive();
    this.network.maxDelayMs = 5;
    this.network.duplicates = 0;
    this.network.lateHellos = 0;
    this.store.isDown = false;
    Object.assign(this.store.faults, { refusals: 0, lostAnswers: 0, maxDelayMs: 5 });
  }

  /** The job's row as it is durable. */
  job(id: JobId) {
    return this.ledger.jobs.get(id);
  }

  #applyConditions(): void {
    const { faults, network, store } = this;
    if (faults.has("slow network")) network.maxDelayMs = faults.random.between(200, 3_000);
    if (faults.has("duplicates")) network.duplicates = 0.2;
    if (faults.has("late hellos")) network.lateHellos = 0.5;
    if (faults.has("slow store")) store.faults.maxDelayMs = faults.random.between(100, 1_200);
    if (faults.has("store refusals")) store.faults.refusals = 0.01;
    if (faults.has("lost answers")) store.faults.lostAnswers = 0.02;
    for (const condition of faults.conditions) this.coverage.count(`condition: ${condition}`);
  }
}
