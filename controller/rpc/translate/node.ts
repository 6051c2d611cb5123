/** Nodes between the wire and the core. */
import { parseAddress } from "../../../base/address.ts";
import { RequestError } from "../../../base/errors.ts";
import { formatTimestamp } from "../../../base/time.ts";
import type { ClusterStatus } from "../../../proto/generated/gpusched/v1/ClusterStatus.ts";
import type { Node as NodeMessage } from "../../../proto/generated/gpusched/v1/Node.ts";
import type { NodeInventory, NodeInventory__Output } from "../../../proto/generated/gpusched/v1/NodeInventory.ts";
import type { NodeState } from "../../../proto/generated/gpusched/v1/NodeState.ts";
import type { ConfirmedDead, Cordon, Inventory, Node, VolumePrefix } from "../../core/model/node.ts";
import { describeCordon } from "../../core/drain.ts";
import { allConditions } from "../../core/model/device-condition.ts";
import { describeWithholding } from "../../core/model/withheld.ts";
import { takesWork } from "../../core/model/likeness.ts";
import { freeDevices, GOOD_BEATS_NEEDED } from "../../core/model/node.ts";
import { type Mesh, MIN_MEMBERS } from "../../core/model/membership.ts";
import type { State } from "../../core/model/state.ts";
import { fromCondition } from "./condition.ts";
import { describeHeld } from "../../core/quorum.ts";
import { fromDevice, fromReading, toDevice, toLink } from "./device.ts";

const MAX_DEVICES = 1_024;
/** Of 128 devices that all reach each other. */
const MAX_LINKS = 8_192;
const MAX_LABELS = 256;
const MAX_FINDINGS = 64;
const MAX_FINDING_CHARACTERS = 1_000;
const MAX_VOLUME_PREFIXES = 256;
const WRITABLE = ":rw";

/** @throws RequestError `invalid` when the core could not count with it */
export function toInventory(message: NodeInventory__Output): Inventory {
  checkInventory(message);
  return {
    devices: message.devices.map(toDevice),
    cpuCores: message.cpu_cores,
    memoryMb: message.memory_mb,
    labels: message.labels,
    executor: message.executor === "docker" ? "docker" : "process",
    deviceSource: message.device_source,
    deviceSourceReason: message.device_source_reason,
    driverVersion: message.driver_version,
    ...(message.cuda_version === "" ? {} : { cudaVersion: message.cuda_version }),
    ...(message.links.length === 0 ? {} : { links: message.links.map(toLink) }),
    agentVersion: message.agent_version,
    address: message.address,
    gpuGrant: message.gpu_grant,
    gpuGrantReason: message.gpu_grant_reason,
    ...(message.allows_sharing
      ? { allowsSharing: true, gpuSharing: message.gpu_sharing === "mps" ? "mps" : "accounted" }
      : {}),
    ...(message.peer_address === "" ? {} : { peerAddress: message.peer_address }),
    ...toFindings(message),
    ...(message.volume_prefixes.length === 0 ? {} : { volumePrefixes: message.volume_prefixes.map(toPrefix) }),
  };
}

/** Without those where all is well, and cut to what can be stored with a node. */
function toFindings({ findings }: NodeInventory__Output): Pick<Inventory, "findings"> {
  const told = findings.flatMap(({ check, severity, message, cure }) => {
    if (severity !== "warning" && severity !== "error") return [];
    return [{ check: cut(check), severity, message: cut(message), cure: cut(cure) } as const];
  });
  return told.length === 0 ? {} : { findings: told.slice(0, MAX_FINDINGS) };
}

function cut(text: string): string {
  return text.length > MAX_FINDING_CHARACTERS ? `${text.slice(0, MAX_FINDING_CHARACTERS)}…` : text;
}

function checkInventory(inventory: NodeInventory__Output): void {
  const { devices, links, cpu_cores, memory_mb, labels, executor, peer_address, volume_prefixes } = inventory;
  const refuse = (field: string, problem: string) => new RequestError("invalid", `inventory: ${field} ${problem}`);
  if (devices.length > MAX_DEVICES) throw refuse("devices", `has over ${MAX_DEVICES} items`);
  const ids = new Set(devices.map(({ id }) => id));
  if (ids.has("") || ids.size < devices.length) throw refuse("devices", "must each have an id of their own");
  if (devices.some((device) => device.memory_mb < 0)) throw refuse("devices", "must not have a negative memory_mb");
  if (links.length > MAX_LINKS) throw refuse("links", `has over ${MAX_LINKS} items`);
  if (cpu_cores < 0) throw refuse("cpu_cores", "must not be negative");
  if (memory_mb < 0) throw refuse("memory_mb", "must not be negative");
  if (Object.keys(labels).length > MAX_LABELS) throw refuse("labels", `has over ${MAX_LABELS} items`);
  if (volume_prefixes.length > MAX_VOLUME_PREFIXES) {
    throw refuse("volume_prefixes", `has over ${MAX_VOLUME_PREFIXES} items`);
  }
  if (peer_address !== "" && !parseAddress(peer_address)) throw refuse("peer_address", "must be host:port");
  if (executor !== "docker" && executor !== "process") throw refuse("executor", "must be docker or process");
}

/** `/data` may be read, `/data:rw` also written. */
function toPrefix(text: string): VolumePrefix {
  const writable = text.endsWith(WRITABLE);
  return { path: writable ? text.slice(0, -WRITABLE.length) : text, writable };
}

function fromInventory(inventory: Inventory): NodeInventory {
  return {
    devices: inventory.devices.map(fromDevice),
    cpu_cores: inventory.cpuCores,
    memory_mb: inventory.memoryMb,
    labels: inventory.labels,
    executor: inventory.executor,
    device_source: inventory.deviceSource,
    device_source_reason: inventory.deviceSourceReason,
    driver_version: inventory.driverVersion,
    cuda_version: inventory.cudaVersion ?? "",
    links: [...(inventory.links ?? [])],
    agent_version: inventory.agentVersion,
    address: inventory.address,
    gpu_grant: inventory.gpuGrant,
    gpu_grant_reason: inventory.gpuGrantReason,
    allows_sharing: inventory.allowsSharing ?? false,
    gpu_sharing: inventory.gpuSharing ?? "",
    peer_address: inventory.peerAddress ?? "",
    findings: (inventory.findings ?? []).map((finding) => ({ ...finding })),
    volume_prefixes: (inventory.volumePrefixes ?? []).map(({ path, writable }) => `${path}${writable ? WRITABLE : ""}`),
  };
}

export function fromNode(node: Node, { mesh }: Pick<State, "mesh">): NodeMessage {
  const leaseAlone = whyLeaseAlone(node, mesh);
  return {
    name: node.record.name,
    state: nodeState(node),
    cordoned: node.record.cordon !== undefined,
    message: nodeMessage(node),
    inventory: fromInventory(node.record.inventory),
    telemetry: node.telemetry.map(fromReading),
    holders: [...node.held].flatMap(([gpuId, holders]) =>
      holders.map(({ jobId, attempt, milli }) => ({ gpu_id: gpuId, job_id: jobId, attempt, milli })),
    ),
    cpu_cores_used: node.cpuCoresUsed,
    memory_mb_used: node.memoryMbUsed,
    last_heard_at_ms: node.lastHeardAt,
    registered_at_ms: node.record.registeredAt,
    confirmed_dead: fromConfirmedDead(node.record.confirmedDead),
    cordon: fromCordon(node.record.cordon),
    lives_by: leaseAlone === undefined ? "peers" : "lease",
    lives_by_reason: leaseAlone ?? "",
    conditions: allConditions(node).map(fromCondition),
  };
}

/** Why nothing but its lease lets the node's jobs go on while no leader is heard; undefined when its peers would. */
function whyLeaseAlone({ record, reachesPeers }: Node, mesh: Mesh): string | undefined {
  if (record.inventory.peerAddress === undefined) return "its agent has no --peer-listen: other agents cannot reach it";
  const goesBy = mesh.memberships.get(record.memberships?.acknowledged ?? 0);
  if (!goesBy) return "it does not know yet which other agents there are";
  if (goesBy.members.length < MIN_MEMBERS)
    return `fewer than ${MIN_MEMBERS} agents can be reached by others (--peer-listen)`;
  return reachesPeers === false ? "it reaches none of the other agents" : undefined;
}

function fromConfirmedDead(word: ConfirmedDead | undefined) {
  return word ? { at_ms: word.at, by: word.by, reason: word.reason } : null;
}

function fromCordon(cordon: Cordon | undefined) {
  if (!cordon) return null;
  const { at, by, reason, drainUntil } = cordon;
  return { at_ms: at, by, reason, ...(drainUntil === undefined ? {} : { drain_until_ms: drainUntil }) };
}

function nodeState(node: Node): NodeState {
  if (node.reach === "lost") return "NODE_STATE_LOST";
  if (node.reach === "unreachable") return "NODE_STATE_UNREACHABLE";
  return node.executorReady ? "NODE_STATE_ONLINE" : "NODE_STATE_DEGRADED";
}

function nodeMessage(node: Node): string {
  if (node.requeuesHeld) return `its jobs are not started elsewhere yet: ${describeHeld(node.requeuesHeld)}`;
  if (node.session === undefined) return "its agent is not connected";
  if (node.reach !== "online") return "its agent has fallen silent";
  if (!node.executorReady) return node.executorMessage;
  const good = node.goodBeats;
  if (good !== undefined) return `back for ${good} of ${GOOD_BEATS_NEEDED} good heartbeats: then it takes jobs again`;
  return node.record.cordon ? cordonMessage(node, node.record.cordon) : withheldMessage(node);
}

/** How many of its devices are given to nobody, and why the first is not. */
function withheldMessage({ withheld, record }: Node): string {
  const told = [...withheld].flatMap(([id, one]) =>
    one.kind === "condition" ? [describeWithholding(id, one.why)] : [],
  );
  if (told.length === 0) return "";
  const { devices } = record.inventory;
  return `${told.length} of ${devices.length} GPUs ${told.length === 1 ? "is" : "are"} withheld: ${told[0]}`;
}

function cordonMessage(node: Node, cordon: Cordon): string {
  const { drainUntil } = cordon;
  const jobs = node.jobs.size;
  if (drainUntil === undefined) return `cordoned${describeCordon(cordon)}`;
  if (jobs === 0) return `drained${describeCordon(cordon)}`;
  const still = jobs === 1 ? "1 job is" : `${jobs} jobs are`;
  return `draining until ${formatTimestamp(drainUntil)}${describeCordon(cordon)}; ${still} still there`;
}

/** The cluster in numbers. GPUs are available on nodes that take new work, where nothing holds them. */
export function fromCluster(
  state: State,
  facts: { leader: string; term: number; store: string; version: string },
): ClusterStatus {
  let totalGpus = 0;
  let availableGpus = 0;
  let onlineNodes = 0;
  for (const node of state.nodes.values()) {
    const { devices } = node.record.inventory;
    totalGpus += devices.length;
    if (node.reach !== "online") continue;
    onlineNodes += 1;
    if (takesWork(node)) {
      availableGpus += freeDevices(node);
    }
  }
  return {
    total_gpus: totalGpus,
    available_gpus: availableGpus,
    total_nodes: state.nodes.size,
    online_nodes: onlineNodes,
    total_jobs: state.jobs.size,
    pending_jobs: state.jobsInState.pending,
    running_jobs: state.jobsInState.running,
    ...facts,
  };
}
