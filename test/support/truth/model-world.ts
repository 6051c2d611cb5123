import type { Command } from "../../../agent/core/input.ts";
import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import { Random } from "../random.ts";
import type { Finding } from "../../../agent/truth/core/finding.ts";
import { ModelAgent, type Sabotage, type Watcher } from "./model-agent.ts";
import { type ModelContainer, ModelHost, type ModelProcess } from "./model-host.ts";
import { ModelLeader } from "./model-leader.ts";

const HEARTBEAT_MS = 5_000;
const FOLLOW_MS = 1_050;
const STEPS = 40;
const DEVICES: Readonly<Record<string, readonly string[]>> = {
  "agent-a": ["gpu-1", "gpu-2", "gpu-3"],
  "agent-b": ["gpu-4", "gpu-5"],
};

/** By name; each says whether it could happen. */
type Happenings = Readonly<Record<string, () => boolean>>;

export interface Outcome {
  /** What must never be. */
  readonly violations: readonly string[];
  /** How often each interesting thing happened. */
  readonly counts: ReadonlyMap<string, number>;
}

/** One random interleaving of all that can happen to two agents on one engine, and what came of it. */
export function runInterleaving(seed: number, sabotage: Sabotage = {}): Outcome {
  const world = new ModelWorld(seed, sabotage);
  for (let step = 0; step < STEPS; step++) world.step();
  world.settle();
  return world;
}

class ModelWorld implements Outcome {
  readonly violations: string[] = [];
  readonly counts = new Map<string, number>();
  readonly #random: Random;
  readonly #host: ModelHost;
  readonly #agents: readonly ModelAgent[];

  constructor(seed: number, sabotage: Sabotage) {
    this.#random = new Random(seed);
    const host = new ModelHost(this.#random);
    this.#host = host;
    const watcher: Watcher = {
      killed: (agent, container) => this.#checkKill(agent, container),
      killedProcess: (agent, process) => this.#checkKilledProcess(agent, process),
      found: (agent, finding) => this.#checkFound(agent, finding),
    };
    this.#agents = Object.entries(DEVICES).map(([agentId, devices]) => {
      const leader = new ModelLeader(devices);
      return new ModelAgent(agentId, devices, { host, leader, watcher, sabotage });
    });
  }

  step(): void {
    this.#happen(this.#agent());
    this.#advance(this.#random.between(0, 2_000));
    if (this.#random.next() < 0.5) this.#heartbeat(this.#agent(), () => this.#maybeHappen());
  }

  /**
   * Nothing happens any more but what follows, until nothing follows: in the end nothing is left that is over. What comes to the devices
   * then is known two heartbeats later.
   */
  settle(): void {
    this.#host.isHung = false;
    for (let beat = 0; beat < 20 || (beat < 60 && !this.#host.isQuiet); beat++) this.#beatAll();
    // Of what the engine has forgotten and the agent has never seen, nobody can say whose it is.
    const provable = this.#orphans().filter(({ status }) => status !== "removed");
    for (const container of provable) this.violations.push(`${text(container)} is over and was never reaped`);
    for (let count = this.#random.between(0, 6); count > 0; count--) this.#happenOnDevice(this.#agent());
    for (let beat = 0; beat < 2; beat++) this.#beatAll();
    for (const agent of this.#agents) this.#checkTruths(agent);
  }

  #beatAll(): void {
    for (const agent of this.#agents) this.#heartbeat(agent, () => undefined);
    this.#advance(HEARTBEAT_MS);
  }

  #heartbeat(agent: ModelAgent, between: () => void): void {
    for (let look = 0; agent.look(between) && look < 2; look++) this.#advance(FOLLOW_MS);
  }

  #maybeHappen(): void {
    if (this.#random.next() < 0.3) this.#happen(this.#agent());
    if (this.#random.next() < 0.3) this.#advance(this.#random.between(0, 1_000));
  }

  #advance(ms: number): void {
    this.#host.advance(ms);
    for (const container of this.#orphans()) container.wasOrphan = true;
  }

  #agent(): ModelAgent {
    return this.#pick(this.#agents);
  }

  #pick<T>(items: readonly T[]): T {
    return this.#random.pick(items) as T;
  }

  #happen(agent: ModelAgent): void {
    const happenings: Happenings = {
      launch: () => this.#command(agent, agent.leader.launch(this.#random.next() < 0.4, this.#random.between(0, 2))),
      "launch on one": () => this.#command(agent, agent.leader.launch(this.#random.next() < 0.4, 1)),
      stop: () => this.#on(this.#attempts(agent, true), ({ key }) => agent.say(agent.leader.stop(key))),
      "late stop": () => this.#on(this.#attempts(agent, false), ({ key }) => agent.say(stopOf(key))),
      "late launch": () => this.#lateLaunch(agent),
      exit: () => this.#on(this.#running(agent), (it) => this.#exit(agent, it, false)),
      "leaky exit": () => this.#on(this.#running(agent), (it) => this.#exit(agent, it, true)),
      "started again": () => this.#on(this.#containers("exited"), (it) => this.#host.start(it)),
      "agent restart": () => this.#on([agent], (it) => it.restart()),
      "launch given up": () => this.#on([agent], (it) => it.giveUpLaunch()),
      hang: () => this.#on([this.#host], (it) => (it.isHung = !it.isHung)),
      ...this.#onDevices(agent),
    };
    this.#happenOneOf(happenings);
  }

  #happenOnDevice(agent: ModelAgent): void {
    this.#happenOneOf(this.#onDevices(agent));
  }

  #onDevices(agent: ModelAgent): Happenings {
    return {
      foreign: () => this.#on(agent.deviceIds, (id) => this.#host.spawn(undefined, id)),
      stray: () => this.#on(this.#containers("running"), (it) => this.#host.spawn(it, this.#pick(agent.deviceIds))),
      "process ends": () => this.#on(this.#host.processes, (it) => this.#host.end(it)),
    };
  }

  #happenOneOf(happenings: Happenings): void {
    const name = this.#pick(Object.keys(happenings));
    if (happenings[name]?.()) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  #containers(status: ModelContainer["status"]): readonly ModelContainer[] {
    return this.#host.containers.filter((it) => it.status === status);
  }

  #attempts(agent: ModelAgent, areWanted: boolean) {
    return agent.leader.attempts().filter(({ state }) => (state === "wanted") === areWanted);
  }

  #command(agent: ModelAgent, command: Parameters<ModelAgent["command"]>[0] | undefined): boolean {
    if (command) agent.say(command);
    return command !== undefined;
  }

  /** One of a term that is over, or of an attempt that was followed by another. */
  #lateLaunch(agent: ModelAgent): boolean {
    const attempts = agent.leader.attempts();
    return this.#on(attempts, ({ key, deviceIds }) => {
      const launch = agent.leader.launch(false, 1);
      if (launch?.kind === "launch") agent.command({ kind: "launch", spec: { ...launch.spec, key, deviceIds } }, 0);
      if (launch?.kind === "launch") agent.say(launch);
    });
  }

  #on<T>(items: readonly T[], act: (item: T) => unknown): boolean {
    const item = this.#random.pick(items);
    if (item !== undefined) act(item);
    return item !== undefined;
  }

  #running(agent: ModelAgent): readonly ModelContainer[] {
    return this.#host.containers.filter((it) => it.status === "running" && it.agentId === agent.agentId);
  }

  #exit(agent: ModelAgent, container: ModelContainer, isLeaky: boolean): void {
    this.#host.exit(container, 0, isLeaky);
    agent.onExit(container);
  }

  #isOver(container: ModelContainer): boolean {
    const agent = this.#agents.find(({ agentId }) => agentId === container.agentId);
    return !agent || agent.over.has(allocationName(container.key)) || !agent.leader.wants(container.key);
  }

  #isClaimed(agent: ModelAgent, { key }: ModelContainer): boolean {
    return !agent.over.has(allocationName(key)) && !agent.leader.wants(key);
  }

  #orphans(): readonly ModelContainer[] {
    const lives = (it: ModelContainer) =>
      it.status === "running" || this.#host.processes.some(({ container }) => container === it);
    return this.#host.containers.filter((it) => lives(it) && this.#isOver(it));
  }

  #checkKill(agent: ModelAgent, container: ModelContainer): void {
    this.counts.set("reaped", (this.counts.get("reaped") ?? 0) + 1);
    if (container.agentId !== agent.agentId)
      this.violations.push(`${agent.agentId} killed ${text(container)}, which is another's`);
    else if (!this.#isOver(container))
      this.violations.push(`${agent.agentId} killed ${text(container)}, which is wanted`);
  }

  #checkKilledProcess(agent: ModelAgent, { container, pid }: ModelProcess): void {
    if (container) this.#checkKill(agent, container);
    else this.violations.push(`${agent.agentId} killed the foreign process ${pid}`);
  }

  #checkFound(agent: ModelAgent, { kind, unit, id }: Finding): void {
    this.counts.set(`found ${kind}`, (this.counts.get(`found ${kind}`) ?? 0) + 1);
    if (kind === "orphan") {
      for (const container of this.#orphans()) container.wasOrphan = true;
      const container = this.#host.containers.find((it) => it.id === unit?.id);
      const isClaimed = id.startsWith("orphan:unknown");
      if (!isClaimed && !container?.wasOrphan)
        this.violations.push(`${agent.agentId} calls ${container && text(container)} an orphan`);
    }
    if (kind !== "foreign") return;
    const [, , , pid, startTicks] = /^(\w+):(.*):(\d+):(\d+)$/.exec(id) ?? [];
    const process = this.#host.processes.find((it) => String(it.pid) === pid && String(it.startTicks) === startTicks);
    if (process?.container?.agentId === agent.agentId && process.container.status !== "removed")
      this.violations.push(`${agent.agentId} calls a process of ${text(process.container)} foreign`);
  }

  #checkTruths(agent: ModelAgent): void {
    // What the agent has claimed is its job's until the leader says that it is not wanted.
    if (this.#running(agent).some((it) => this.#isClaimed(agent, it))) return;
    for (const { id, use } of agent.truths) {
      const expected = this.#expectedUse(agent, id);
      if (expected !== use && use !== "orphan")
        this.violations.push(`${id} of ${agent.agentId} is ${expected}, and called ${use}`);
    }
  }

  #expectedUse(agent: ModelAgent, deviceId: string): string {
    const on = this.#host.processes.filter((it) => it.deviceId === deviceId);
    const granted = this.#running(agent).find(
      (it) => !this.#isOver(it) && it.deviceIds.some((one) => one === deviceId),
    );
    const isOurs = (it: ModelContainer | undefined) => it?.agentId === agent.agentId && it.status !== "removed";
    if (on.some(({ container }) => container && isOurs(container) && container !== granted && !this.#isOver(container)))
      return "wrong-job";
    if (on.some(({ container }) => !isOurs(container))) return "foreign";
    if (!granted) return "free";
    return on.some(({ container }) => container === granted) ? "in-use" : "idle";
  }
}

function stopOf(key: AllocationKey): Command {
  return { kind: "stop", key, graceMs: 0, reason: "late" };
}

function text({ id, key, agentId, status }: ModelContainer): string {
  return `container ${id.slice(0, 12)} (${allocationName(key)} of ${agentId}, ${status})`;
}
