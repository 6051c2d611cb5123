import type { NodeName } from "../../base/ids.ts";
import { CLOCK_RATE_MARGIN } from "../../base/time.ts";
import type { MeshTiming } from "../../controller/core/model/membership.ts";
import type { AgentView, MeshView, WorldView } from "./world-view.ts";

/** A batch that was decided is durable so soon, or never. */
const COMMIT_MS = 3_000;
/** What the kill and an agent's standing still may take: the leader waits for it, too. */
const STOP_MARGIN_MS = 5_000;
/** Whoever has had his stream for so long has told all that he had to tell. */
const TOLD_MS = 30_000;
/** Whoever heard his leader within this time has a stream on which words get through. */
const HEARD_MS = 10_000;
/** Slower networks have words under way for longer. */
const MAX_DELAY_MS = 500;

/** Sees that each step of the argument why nothing runs twice holds, by what agents have truly heard: docs/reliability.md has it. */
export class MeshWatch implements MeshView {
  readonly #world: WorldView;
  /** After so long without a leader's word an agent's own counts. */
  readonly #hearingMs: number;
  /** When each agent's last silence ended for which its word counted, in true time. */
  readonly #silentUntilMs = new Map<AgentView, number>();

  constructor(world: WorldView, { hearingMs }: Pick<MeshTiming, "hearingMs">) {
    this.#world = world;
    this.#hearingMs = hearingMs;
  }

  /** The agent hears a leader now. */
  onHeard(agent: AgentView): void {
    const { now } = this.#world.timeline;
    if (now - agent.heardAtMs >= this.#hearingMs) this.#silentUntilMs.set(agent, now);
    agent.heardAtMs = now;
  }

  /** Nobody says that he has heard no leader for longer than is so. */
  checkWord(agent: AgentView, saidMs: number): void {
    const silentMs = this.#world.timeline.now - agent.heardAtMs;
    if (saidMs <= silentMs * (1 + CLOCK_RATE_MARGIN)) return;
    this.#world.violate(
      `${agent.name} says that it heard no leader for ${saidMs} ms, and did ${Math.round(silentMs)} ms ago`,
    );
  }

  /** Looks at all agents, now and then. */
  look(): void {
    for (const agent of this.#world.agents) {
      this.#checkBeyondLease(agent);
      this.#checkTold(agent);
    }
  }

  /**
   * The ledger gives up what ran on a lost node. By whichever membership its agent goes, the most of it have heard a leader just
   * now: a leader that is not heard is the one who is cut off.
   */
  checkRequeue(node: NodeName, name: string): void {
    const { agents, timeline } = this.#world;
    const { membership } = agents.find((agent) => agent.name === node)?.host.memory ?? {};
    if (!membership || membership.members.length === 0) return;
    const sinceMs = timeline.now - this.#hearingMs * (1 + CLOCK_RATE_MARGIN) - COMMIT_MS;
    const heard = membersOf(agents, membership).filter(({ heardAtMs }) => heardAtMs >= sinceMs);
    if (heard.length * 2 > membership.members.length) return;
    const most = `${heard.length} of the ${membership.members.length} that ${node} goes by`;
    this.#world.violate(`${name} is requeued though only ${most} have heard a leader`);
  }

  /** Nothing goes on beyond its lease unless the most of the membership had heard nobody a moment ago. */
  #checkBeyondLease(agent: AgentView): void {
    const { timeline, agents } = this.#world;
    const { memory, containers } = agent.host;
    const { membership, leaseMs } = memory;
    if (leaseMs === 0 || timeline.now - agent.answeredFromMs <= leaseMs) return;
    const running = [...containers.values()].find(
      ({ endedAtMs, spec }) => endedAtMs === undefined && spec.requeueOnNodeLost,
    );
    if (!running) return;
    const members = membersOf(agents, membership);
    const silent = members.filter((member) => this.#wasSilent(member, membership?.vouchMs, membership?.stopMs));
    if (silent.length * 2 > (membership?.members.length ?? 0)) return;
    const most = `${silent.length} of its ${membership?.members.length ?? 0} members`;
    this.#world.violate(
      `${running.name} goes on beyond its lease on ${agent.name} though only ${most} heard no leader`,
    );
  }

  #wasSilent(agent: AgentView, vouchMs = 0, stopMs = 0): boolean {
    const { now } = this.#world.timeline;
    if (now - agent.heardAtMs >= this.#hearingMs) return true;
    return now - (this.#silentUntilMs.get(agent) ?? Number.NEGATIVE_INFINITY) <= vouchMs + stopMs + STOP_MARGIN_MS;
  }

  /** What has ended is known to the ledger soon, once its agent has a stream that lasts and the store takes writes. */
  #checkTold(agent: AgentView): void {
    const { timeline, network, store, ledger, faults } = this.#world;
    const toldBeforeMs = timeline.now - TOLD_MS;
    if (!agent.actor.isAlive || agent.connectedAtMs > toldBeforeMs || agent.isRelayed) return;
    if (timeline.now - agent.heardAtMs > HEARD_MS || store.roomForMs < TOLD_MS) return;
    if (network.maxDelayMs > MAX_DELAY_MS || faults.has("slow journals")) return;
    for (const { name, spec, endedAtMs } of agent.host.containers.values()) {
      if (endedAtMs === undefined || endedAtMs > toldBeforeMs || !ledger.wanted(spec.key, agent.name)) continue;
      this.#world.violate(`${name} has ended on ${agent.name} long ago, and the ledger does not know`);
    }
  }
}

/** The agents of the membership. */
export function membersOf(
  agents: readonly AgentView[],
  membership: { readonly members: readonly { readonly name: string }[] } | undefined,
): AgentView[] {
  return agents.filter(({ name }) => membership?.members.some((member) => member.name === name));
}
