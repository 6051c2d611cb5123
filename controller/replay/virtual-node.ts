import { present } from "../../base/assert.ts";
import { asDeviceId, asNodeName } from "../../base/ids.ts";
import type { Input, Unstamped } from "../core/input.ts";
import type { Inventory } from "../core/model/node.ts";
import type { CapacityStep } from "./record.ts";
import type { ReplayNode } from "./workload.ts";

const EXECUTOR = { ready: true, message: "" };

/** The nodes' side of the streams to the controller. A stream keeps its session until the node leaves. */
export class VirtualNodes {
  /** Every node that ever was there, as it was last. */
  readonly #known = new Map<string, ReplayNode>();
  readonly #sessions = new Map<string, number>();
  readonly #capacity: CapacityStep[] = [];
  #lastSession = 0;

  /** The node's agent introduces itself, or says what it has now. */
  join(node: ReplayNode, nowMs: number): Unstamped<Input> {
    this.#known.set(node.name, node);
    const session = this.#sessions.get(node.name);
    if (session === undefined) this.#sessions.set(node.name, ++this.#lastSession);
    this.#noteCapacity(nowMs);
    const name = asNodeName(node.name);
    const inventory = node.inventory ?? inventoryOf(node);
    if (session === undefined) return helloOf(node, inventory, this.#lastSession);
    return { kind: "node-heartbeat", session, node: name, sequence: 1, executor: EXECUTOR, telemetry: [], inventory };
  }

  /** The node's stream ends; undefined for a node that is not there. */
  leave(name: string, nowMs: number): Unstamped<Input> | undefined {
    const session = this.#sessions.get(name);
    if (session === undefined) return undefined;
    this.#sessions.delete(name);
    this.#noteCapacity(nowMs);
    return { kind: "node-disconnected", session, node: asNodeName(name) };
  }

  /** Undefined for a node that is not there. */
  sessionOf(name: string): number | undefined {
    return this.#sessions.get(name);
  }

  /** What a record says of the nodes. */
  record() {
    return { nodes: [...this.#known.values()], capacity: this.#capacity };
  }

  #noteCapacity(atMs: number): void {
    const gpus = [...this.#sessions.keys()].reduce((sum, name) => sum + gpusOf(this.#node(name)), 0);
    if (this.#capacity.at(-1)?.atMs === atMs) this.#capacity.pop();
    this.#capacity.push({ atMs, gpus });
  }

  #node(name: string): ReplayNode {
    return present(this.#known.get(name), `node ${name}`);
  }
}

function gpusOf({ gpus, inventory }: ReplayNode): number {
  return inventory?.devices.length ?? gpus;
}

/** What the node's agent says first. */
function helloOf(node: ReplayNode, inventory: Inventory, session: number): Unstamped<Input> {
  return {
    kind: "node-hello",
    session,
    node: asNodeName(node.name),
    agentId: node.name,
    bootId: "boot-1",
    inventory,
    executor: EXECUTOR,
    allocations: [],
  };
}

function inventoryOf(node: ReplayNode): Inventory {
  return {
    devices: Array.from({ length: node.gpus }, (_, index) => ({
      id: asDeviceId(`${node.name}/${index}`),
      model: node.gpuModel,
      memoryMb: node.gpuMemoryMb,
      index,
      pciBusId: "",
    })),
    cpuCores: node.cpuCores,
    memoryMb: node.memoryMb,
    labels: node.labels ?? {},
    executor: "process",
    deviceSource: "simulated",
    deviceSourceReason: "",
    driverVersion: "",
    agentVersion: "",
    address: node.name,
    gpuGrant: "none",
    gpuGrantReason: "",
    allowsSharing: node.allowsSharing ?? false,
  };
}
