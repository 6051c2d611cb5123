import { asDeviceId, asNodeName } from "../../base/ids.ts";
import type { Input, Unstamped } from "../core/input.ts";
import type { Inventory } from "../core/model/node.ts";
import type { ReplayNode } from "./workload.ts";

const EXECUTOR = { ready: true, message: "" };

/** What the node's agent says first. Its stream keeps this session for good. */
export function helloOf(node: ReplayNode, session: number): Unstamped<Input> {
  return {
    kind: "node-hello",
    session,
    node: asNodeName(node.name),
    agentId: node.name,
    bootId: "boot-1",
    inventory: inventoryOf(node),
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
