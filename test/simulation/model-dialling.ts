import type { AgentClient } from "../../agent/uplink/channel.ts";
import type { Dialling } from "../../agent/uplink/uplink.ts";
import type { PeerAnswer__Output } from "../../proto/generated/gpusched/v1/PeerAnswer.ts";
import type { Actor } from "./actor.ts";
import type { AgentView, WorldView } from "./world-view.ts";

/** What every node's peer address ends in: the name is enough to find it here. */
const PEER_PORT = ":9100";

/** Where a node's agent is reached by its peers. */
export function peerAddressOf(name: string): string {
  return `${name}${PEER_PORT}`;
}

/** How an agent reaches controllers and peers: over the simulated network. */
export class ModelDialling implements Dialling {
  readonly #world: WorldView;
  readonly #actor: Actor;

  constructor(world: WorldView, actor: Actor) {
    this.#world = world;
    this.#actor = actor;
  }

  dial(address: string): AgentClient {
    const { controllers, network } = this.#world;
    const controller = controllers.find(({ name }) => name === address);
    if (!controller) throw new Error(`no controller ${address}`);
    const actor = this.#actor;
    const names = [actor.name, address] as const;
    return clientOf(() => network.connect(actor, controller.actor, names, controller.accept).client);
  }

  dialRelay(address: string): AgentClient {
    const { network } = this.#world;
    const peer = this.#peer(address);
    const actor = this.#actor;
    return clientOf(() => network.connect(actor, peer.actor, [actor.name, peer.name], peer.acceptRelay).client);
  }

  /** There and back again. */
  isReached(address: string, deadlineMs: number): Promise<boolean> {
    const { network, controllers } = this.#world;
    const controller = controllers.find(({ name }) => name === address);
    return new Promise((resolve) => {
      setTimeout(() => resolve(false), deadlineMs);
      if (!controller?.actor.isAlive) return;
      const actor = this.#actor;
      network.send(controller.actor, [actor.name, address], "is looked for", () => {
        network.send(actor, [address, actor.name], "reaches the controller", () => resolve(true));
      });
    });
  }

  ask(address: string, question: { cluster_id?: string }, deadlineMs: number): Promise<PeerAnswer__Output> {
    const { network, coverage, mesh } = this.#world;
    const peer = this.#peer(address);
    const actor = this.#actor;
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("no answer")), deadlineMs);
      network.send(peer.actor, [actor.name, peer.name], `is asked by ${actor.name}`, () => {
        const answer = peer.answer({ cluster_id: question.cluster_id ?? "" });
        if (!answer) return;
        mesh.checkWord(peer, Number(answer.silent_ms));
        coverage.count(answer.leader_address === "" ? "a peer says that it has no leader" : "a peer names its leader");
        const label = `${peer.name} answers ${String(answer.silent_ms)} ${answer.leader_address}`;
        network.send(actor, [peer.name, actor.name], label, () => resolve(answer as PeerAnswer__Output));
      });
    });
  }

  random(): number {
    return this.#world.faults.random.next();
  }

  #peer(address: string): AgentView {
    const peer = this.#world.agents.find(({ name }) => peerAddressOf(name) === address);
    if (!peer) throw new Error(`no peer ${address}`);
    return peer;
  }
}

function clientOf(connect: () => unknown): AgentClient {
  return { connect: () => connect() as never, close: () => undefined };
}
