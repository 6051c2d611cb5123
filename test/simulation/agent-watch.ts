import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type { Executor, LaunchSpec } from "../../agent/executor/executor.ts";
import type { StreamHost } from "../../agent/uplink/control-stream.ts";
import { membersOf } from "./mesh-watch.ts";
import type { AgentView, WorldView } from "./world-view.ts";

/** No clock is faster than another by more. */
const MAX_CLOCK_RATIO = 1.1;

/** By how much the disk may be behind what it has been told: the step in which that is done. */
const MAX_LAG_MS = 10_000;
/** What an agent learnt so long before its end has been written: two writes to a slow disk, and its being away. */
const WRITTEN_MS = 20_000;

/** Who has been as he is for so long has been asked, and relays. */
const STEADY_MS = 45_000;
/** Whoever was heard within this time has a leader that lives. */
const HEARD_MS = 10_000;

/** Stands between an agent's core and what surrounds it, and sees that it obeys whom it should. */
export class AgentWatch {
  readonly #world: WorldView;
  /** The term of the command that is being taken, undefined while none is. */
  #term: number | undefined;
  /** What agents have begun to stop because no leader answered. */
  readonly #fenced = new Set<string>();
  /** When each agent heard its newest answers, and to what was sent when, in true time. */
  readonly #answers = new Map<AgentView, readonly { readonly atMs: number; readonly fromMs: number }[]>();

  constructor(world: WorldView) {
    this.#world = world;
  }

  executor(agent: AgentView, executor: Executor): Executor {
    return {
      name: executor.name,
      gpuGrant: executor.gpuGrant,
      limits: executor.limits,
      recover: () => executor.recover(),
      launch: (spec: LaunchSpec) => {
        this.#checkTerm(agent, `launches ${allocationName(spec.key)}`);
        executor.launch(spec);
      },
      stop: (key: AllocationKey, graceMs: number, reason: string) => {
        this.#checkTerm(agent, `stops ${allocationName(key)}`);
        if (reason.startsWith("no controller has answered")) this.#checkFence(agent, key);
        executor.stop(key, graceMs, reason);
      },
      release: (key: AllocationKey) => {
        this.#checkTerm(agent, `releases ${allocationName(key)}`);
        return executor.release(key);
      },
      readLog: (...how) => executor.readLog(...how),
      watchOutput: (...how) => executor.watchOutput(...how),
      health: () => executor.health(),
      occupants: () => executor.occupants(),
      reap: (...how) => executor.reap(...how),
      seesDevices: (...how) => executor.seesDevices(...how),
      close: () => executor.close(),
    };
  }

  /** An agent's process begins, and knows what its disk does: not much less than the one before it knew. */
  begin(agent: AgentView): void {
    const { memory, bootId, bootedAtMs } = agent.host;
    const { leaseFrom } = memory;
    const isKnown = leaseFrom?.bootId === bootId;
    const fromMs = isKnown ? bootedAtMs + leaseFrom.atMs / agent.actor.clockRate : this.#world.timeline.now;
    const before = (this.#answers.get(agent) ?? []).findLast(
      ({ atMs }) => atMs <= this.#world.timeline.now - WRITTEN_MS,
    );
    if (isKnown && before && before.fromMs - fromMs > MAX_LAG_MS) {
      this.#world.violate(`${agent.name} begins with a lease that is ${before.fromMs - fromMs} ms too old`);
    }
    this.#answers.delete(agent);
    agent.answeredFromMs = Math.min(agent.answeredFromMs, fromMs);
  }

  stream(agent: AgentView, host: StreamHost): StreamHost {
    const { timeline, mesh } = this.#world;
    let helloAtMs = 0;
    const sentAtMs = new Map<number, number>();
    const answered = (atMs: number | undefined) => {
      if (atMs === undefined || atMs < agent.answeredFromMs) return;
      agent.answeredFromMs = atMs;
      const answers = this.#answers.get(agent) ?? [];
      this.#answers.set(agent, [...answers.slice(-20), { atMs: timeline.now, fromMs: atMs }]);
    };
    return {
      ...host,
      onDisconnected: () => {
        agent.connectedAtMs = Number.POSITIVE_INFINITY;
        host.onDisconnected();
      },
      hello: () => {
        helloAtMs = timeline.now;
        sentAtMs.clear();
        return host.hello();
      },
      onWelcome: (welcome) => {
        const { highestTerm } = agent.host.memory;
        const refusal = host.onWelcome(welcome);
        if (refusal === undefined) {
          answered(helloAtMs);
          agent.connectedAtMs = timeline.now;
          mesh.onHeard(agent);
          if (welcome.term < highestTerm)
            this.#world.violate(`${agent.name} takes term ${welcome.term} after ${highestTerm}`);
        }
        return refusal;
      },
      onCommand: (command) => {
        mesh.onHeard(agent);
        this.#term = command.term;
        host.onCommand(command);
        this.#term = undefined;
      },
      onHeartbeatSent: (sequence) => {
        sentAtMs.set(sequence, timeline.now);
        host.onHeartbeatSent(sequence);
      },
      onHeartbeatAcked: (sequence, revision, leaderAtMs) => {
        mesh.onHeard(agent);
        answered(sentAtMs.get(sequence));
        host.onHeartbeatAcked(sequence, revision, leaderAtMs);
      },
    };
  }

  /** A command is obeyed in the term that is on disk, which none is above. */
  #checkTerm(agent: AgentView, what: string): void {
    const { highestTerm } = agent.host.memory;
    const term = this.#term;
    if (term === undefined || term === highestTerm) return;
    this.#world.violate(`${agent.name} ${what} at the word of term ${term}, and ${highestTerm} is on its disk`);
  }

  /** Nobody fences himself who was answered within half of his lease; an agent that starts anew goes on with what it had begun. */
  #checkFence(agent: AgentView, key: AllocationKey): void {
    const { coverage, timeline } = this.#world;
    coverage.count("agent fences an allocation");
    const fenced = `${agent.name} ${allocationName(key)}`;
    if (this.#fenced.has(fenced)) return;
    this.#fenced.add(fenced);
    if (agent.host.containers.get(allocationName(key))?.spec.requeueOnNodeLost === false) {
      this.#world.violate(`${agent.name} fences ${allocationName(key)}, which waits for it`);
    }
    this.#checkPeers(agent, key);
    const silentMs = timeline.now - agent.answeredFromMs;
    if (silentMs * MAX_CLOCK_RATIO >= agent.host.memory.leaseMs / 2) return;
    this.#world.violate(`${agent.name} fences ${allocationName(key)} after ${Math.round(silentMs)} ms of silence`);
  }

  /** Nobody fences himself whom a peer would have relayed, or for whom a majority would have said that no leader is heard. */
  #checkPeers(agent: AgentView, key: AllocationKey): void {
    const { membership } = agent.host.memory;
    const { faults, network } = this.#world;
    if (agent.host.peerAddress === undefined || !membership || !this.#isSteady(agent)) return;
    // Where answers come late, or relays break all the time, it may be as it may.
    if (network.maxDelayMs > 500 || faults.meanMs.has("stream breaks") || faults.meanMs.has("agent pause")) return;
    const peers = membersOf(this.#world.agents, membership).filter(
      (other) => other !== agent && this.#isSteady(other) && network.reachesFor(agent.name, other.name) >= STEADY_MS,
    );
    const relay = peers.find((peer) => this.#relays(peer));
    const name = allocationName(key);
    // A full store takes no hello, by whatever way it comes.
    const isTaken = this.#world.store.roomForMs >= STEADY_MS;
    if (relay && isTaken) this.#world.violate(`${agent.name} fences ${name} though ${relay.name} would relay`);
    const silent = peers.filter(({ heardAtMs, host }) => {
      // Whoever was never welcomed does not know of which cluster it is, and answers nobody.
      return host.memory.clusterId !== "" && this.#world.timeline.now - heardAtMs >= STEADY_MS;
    });
    const own = membership.members.some(({ name: member }) => member === agent.name) ? 1 : 0;
    if (silent.length + own > membership.members.length / 2) {
      this.#world.violate(`${agent.name} fences ${name} though ${silent.length} of its peers hear no leader either`);
    }
  }

  #isSteady({ actor, host, beganAtMs }: AgentView): boolean {
    return actor.isAlive && !host.isGone && this.#world.timeline.now - beganAtMs >= STEADY_MS;
  }

  #relays({ leader, connectedAtMs, heardAtMs }: AgentView): boolean {
    const { now } = this.#world.timeline;
    return leader !== undefined && now - connectedAtMs >= STEADY_MS && now - heardAtMs < HEARD_MS;
  }
}
