import type { Command, Effect, Input, Memory, Report } from "../../../agent/core/input.ts";
import { allReports, createAgentState } from "../../../agent/core/state.ts";
import { step } from "../../../agent/core/step.ts";
import type {
  AllocationState,
  FoundAllocation,
  LaunchSpec,
  Occupant,
  ProcessId,
} from "../../../agent/executor/executor.ts";
import { DEFAULT_ANSWERS } from "../../../agent/truth/core/answers.ts";
import type { DeviceTruth } from "../../../agent/truth/core/device-truth.ts";
import type { Finding } from "../../../agent/truth/core/finding.ts";
import type { Sighting } from "../../../agent/truth/core/sighting.ts";
import { type Deed, Truth } from "../../../agent/truth/core/truth.ts";
import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import type { ModelContainer, ModelHost, ModelProcess } from "./model-host.ts";
import type { ModelLeader } from "./model-leader.ts";

/** What a test does wrong on purpose, to see that it is noticed. */
export interface Sabotage {
  /** Of what the agent of that id sees. */
  readonly sighting?: (sighting: Sighting, agentId: string) => Sighting;
  /** Of what it looks at: each look counts for two. */
  readonly looksTwice?: boolean;
  /** The executor kills whatever it is told to. */
  readonly trustsBlindly?: boolean;
}

/** Who is told of all that the agent does, and may object. */
export interface Watcher {
  killed(agent: ModelAgent, container: ModelContainer): void;
  killedProcess(agent: ModelAgent, process: ModelProcess): void;
  found(agent: ModelAgent, finding: Finding): void;
}

/** An agent in all of its lives: the real core and the real truth, on a model of an executor. */
export class ModelAgent {
  readonly agentId: string;
  readonly deviceIds: readonly string[];
  readonly leader: ModelLeader;
  readonly #host: ModelHost;
  readonly #watcher: Watcher;
  readonly #sabotage: Sabotage;
  #memory: Memory = { clusterId: "c", highestTerm: 1, leaseMs: 0 };
  #life = 0;
  readonly #lastArrivalMs = { up: 0, down: 0 };
  #core = createAgentState(this.#memory, 0);
  #truth: Truth;
  /** What the executor has, by name. */
  #known = new Map<string, { readonly spec: Pick<LaunchSpec, "key" | "deviceIds">; state: AllocationState }>();
  truths: readonly DeviceTruth[] = [];
  /** The allocations of which the core said last that they have ended. */
  readonly over = new Set<string>();

  constructor(
    agentId: string,
    deviceIds: readonly string[],
    parts: { host: ModelHost; leader: ModelLeader; watcher: Watcher; sabotage: Sabotage },
  ) {
    this.agentId = agentId;
    this.deviceIds = deviceIds;
    this.leader = parts.leader;
    this.#host = parts.host;
    this.#watcher = parts.watcher;
    this.#sabotage = parts.sabotage;
    this.#truth = this.#newTruth();
    this.#begin();
  }

  /** The process ends and the next begins; launches that were under way may still be carried out, or not. */
  restart(): void {
    for (const { spec, state } of this.#known.values()) {
      if (state.phase !== "starting" || this.#host.random.next() < 0.4) continue;
      this.#host.ask(() => this.#createLate(spec));
    }
    this.#begin();
  }

  command(command: Command, term = 1): void {
    this.#input({ kind: "command", term, command });
  }

  /** The executor gives a launch up that the engine is late with. */
  giveUpLaunch(): void {
    const starting = [...this.#known.values()].find(({ state }) => state.phase === "starting");
    if (!starting) return;
    this.#host.ask(() => this.#createLate(starting.spec));
    this.#become(starting.spec.key, ended(this.#host.nowMs, 255));
  }

  /** A look, with whatever happens between its parts. Whether another should follow soon. */
  look(between: () => void): boolean {
    const host = this.#host;
    this.#reconcile();
    const processes = host.processes.map(({ pid, deviceId }) => ({
      pid,
      deviceId,
      memoryMb: 500,
      kind: "compute" as const,
    }));
    between();
    const living = processes.flatMap(({ pid }) => host.describe(pid) ?? []);
    const hostProcesses = new Map(living.map((process) => [process.pid, process]));
    between();
    const occupants = host.isHung ? undefined : host.containers.flatMap((it) => occupantOf(it) ?? []);
    between();
    const devices = this.deviceIds.map((id) => ({
      id,
      parentId: undefined,
      namesProcesses: true,
      memoryUsedMb: undefined,
    }));
    const allocations = allReports(this.#core).map(({ key, deviceIds, state, stopping }) => {
      return { key, deviceIds, phase: state.phase, startedAtMs: undefined, stopping };
    });
    const seen = { devices, processes, hostProcesses, occupants, allocations, atMs: host.nowMs, wallMs: host.nowMs };
    const sighting = this.#sabotage.sighting?.(seen, this.agentId) ?? seen;
    let insight = this.#truth.observe(sighting);
    let { deeds } = insight;
    if (this.#sabotage.looksTwice) {
      insight = this.#truth.observe({ ...sighting, atMs: sighting.atMs + 1_500 });
      deeds = [...deeds, ...insight.deeds];
    }
    this.truths = insight.devices;
    for (const deed of deeds) this.#carryOut(deed);
    return insight.isOpen;
  }

  #newTruth(): Truth {
    return new Truth({ agentId: this.agentId, answers: DEFAULT_ANSWERS, ignoredPrograms: [] });
  }

  #begin(): void {
    this.#life += 1;
    this.#core = createAgentState(this.#memory, this.#host.nowMs);
    this.#truth = this.#newTruth();
    this.#known = new Map();
    this.#input({ kind: "begun" });
    this.#input({ kind: "recovered", wallMs: this.#host.nowMs, found: this.#recover() });
    const reports = allReports(this.#core);
    for (const report of reports) this.#note(report);
    for (const command of this.leader.onHello(reports)) this.say(command);
  }

  /** A created container can do nothing any more, and is removed. */
  #recover(): readonly FoundAllocation[] {
    for (const container of this.#host.containers) {
      if (container.agentId !== this.agentId || container.status === "removed") continue;
      const { key, deviceIds } = container;
      if (this.#known.has(allocationName(key))) continue;
      this.#known.set(allocationName(key), { spec: { key, deviceIds }, state: stateOf(container, this.#host.nowMs) });
      if (container.status === "created") container.status = "removed";
    }
    return [...this.#known.values()].map(({ spec, state }) => {
      return { key: spec.key, deviceIds: spec.deviceIds, graceMs: 0, requeueOnNodeLost: false, state };
    });
  }

  #input(input: Input extends infer I ? (I extends Input ? Omit<I, "atMs"> : never) : never): void {
    for (const effect of step(this.#core, { ...input, atMs: this.#host.nowMs })) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect.kind) {
      case "persist":
        this.#memory = effect.memory;
        return this.#input({ kind: "persisted", memory: effect.memory });
      case "report":
        return this.#report(effect.report);
      case "launch":
        return this.#launch(effect.spec);
      case "stop":
        return this.#stop(effect.key);
      case "release":
        return this.#release(effect.key);
      default:
        return undefined;
    }
  }

  #report(report: Report): void {
    this.#note(report);
    this.#send("up", () => {
      const answer = this.leader.onReport(report);
      if (answer) this.say(answer);
    });
  }

  #note({ key, state }: Report): void {
    if (state.phase === "ended") this.over.add(allocationName(key));
    else this.over.delete(allocationName(key));
  }

  /** From the leader: after all that it has said before, to the life that is now. */
  say(command: Command): void {
    this.#send("down", () => this.command(command));
  }

  /** A stream keeps the order of what is sent on it, and what has not arrived by its end never does. */
  #send(way: "up" | "down", arrive: () => void): void {
    const { nowMs } = this.#host;
    const life = this.#life;
    const atMs = Math.max(nowMs + this.#messageMs(), this.#lastArrivalMs[way] + 1);
    this.#lastArrivalMs[way] = atMs;
    this.#host.after(atMs - nowMs, () => (life === this.#life ? arrive() : undefined));
  }

  /** Most messages are quick. */
  #messageMs(): number {
    const { random } = this.#host;
    return random.between(1, random.next() < 0.2 ? 10_000 : 800);
  }

  #launch(spec: LaunchSpec): void {
    const name = allocationName(spec.key);
    if (this.#known.has(name)) return;
    const life = this.#life;
    this.#known.set(name, { spec, state: { phase: "starting", message: "" } });
    this.#host.ask(() => {
      if (life !== this.#life || this.#known.get(name)?.state.phase !== "starting") return;
      const found = this.#host.find(this.agentId, spec.key);
      const container = found ?? this.#host.create(this.agentId, spec.key, spec.deviceIds);
      if (container.status === "created") this.#host.start(container);
      this.#become(spec.key, stateOf(container, this.#host.nowMs));
    });
  }

  #createLate({ key, deviceIds }: Pick<LaunchSpec, "key" | "deviceIds">): void {
    if (this.#host.find(this.agentId, key)) return;
    this.#host.start(this.#host.create(this.agentId, key, deviceIds));
  }

  #stop(key: AllocationKey): void {
    const known = this.#known.get(allocationName(key));
    if (known?.state.phase === "starting") return this.#become(key, ended(this.#host.nowMs, 255));
    this.#host.ask(() => {
      const container = this.#host.find(this.agentId, key);
      if (container?.status !== "running") return this.#become(key, ended(this.#host.nowMs, 255));
      this.#host.exit(container, 137);
      this.onExit(container);
    });
  }

  /** Events can be missed: what runs is compared with what there is. */
  #reconcile(): void {
    for (const { spec, state } of this.#known.values()) {
      if (state.phase !== "running" || this.#host.find(this.agentId, spec.key)?.status === "running") continue;
      this.#host.ask(() => {
        const container = this.#host.find(this.agentId, spec.key);
        this.#become(spec.key, container ? stateOf(container, this.#host.nowMs) : ended(this.#host.nowMs, 255));
      });
    }
  }

  /** The engine tells of an end, to the life that is then. */
  onExit(container: ModelContainer): void {
    this.#host.ask(() => this.#become(container.key, stateOf(container, this.#host.nowMs)));
  }

  #become(key: AllocationKey, state: AllocationState): void {
    const known = this.#known.get(allocationName(key));
    if (!known || known.state.phase === "ended" || (known.state.phase === "running" && state.phase === "starting"))
      return;
    known.state = state;
    this.#input({ kind: "allocation-changed", key, state });
  }

  #release(key: AllocationKey): void {
    const life = this.#life;
    const name = allocationName(key);
    const known = this.#known.get(name);
    this.#host.ask(() => {
      if (life !== this.#life) return;
      const container = this.#host.find(this.agentId, key);
      if (container && container.status !== "running") container.status = "removed";
      if (this.#known.get(name) === known) this.#known.delete(name);
      this.#input({ kind: "released", key, done: true });
    });
  }

  #carryOut(deed: Deed): void {
    const life = this.#life;
    if (deed.kind === "found") return this.#watcher.found(this, deed.finding);
    if (deed.kind === "claim") {
      return this.#host.ask(() => {
        if (life !== this.#life) return;
        this.#input({ kind: "discovered", wallMs: this.#host.nowMs, found: this.#recover() });
      });
    }
    if (deed.kind === "reap")
      this.#host.ask(() => (life === this.#life ? this.#reap(deed.unit, deed.processes) : undefined));
  }

  /** As an executor must: nothing that is another's, or that has not ended. */
  #reap(unit: Occupant, processes: readonly ProcessId[]): void {
    const container = this.#host.containers.find(({ id }) => id === unit.id);
    const known = this.#known.get(allocationName(unit.key));
    const isOver = known === undefined || known.state.phase === "ended";
    if (!container) return;
    if (!this.#sabotage.trustsBlindly && (container.agentId !== this.agentId || !isOver)) return;
    if (container.status === "running") {
      this.#watcher.killed(this, container);
      return this.#host.exit(container, 137);
    }
    for (const { pid, startTicks } of processes) this.#killProcess(pid, startTicks);
  }

  #killProcess(pid: number, startTicks: number): void {
    const isIt = (it: ModelProcess) => it.pid === pid && (this.#sabotage.trustsBlindly || it.startTicks === startTicks);
    const process = this.#host.processes.find(isIt);
    if (!process) return;
    this.#watcher.killedProcess(this, process);
    this.#host.end(process);
  }
}

function occupantOf(container: ModelContainer): Occupant | undefined {
  const { id, agentId, key, deviceIds, status } = container;
  if (status === "removed") return undefined;
  return { id, kind: "container", agentId, key, deviceIds, isRunning: status === "running" };
}

function stateOf({ status, exitCode }: ModelContainer, nowMs: number): AllocationState {
  if (status === "running") return { phase: "running", startedAtMs: nowMs, stopping: false };
  return ended(nowMs, exitCode);
}

function ended(endedAtMs: number, exitCode: number): AllocationState {
  const end = { kind: "exited", exitCode, signal: undefined, outOfMemory: false, message: "" } as const;
  return { phase: "ended", startedAtMs: undefined, endedAtMs, end };
}
