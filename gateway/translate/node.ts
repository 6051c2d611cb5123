/** Nodes and the cluster as REST shows them. */
import { formatTimestamp } from "../../base/time.ts";
import type { ClusterStatus__Output } from "../../proto/generated/gpusched/v1/ClusterStatus.ts";
import type { Device__Output } from "../../proto/generated/gpusched/v1/Device.ts";
import type { DeviceCondition__Output } from "../../proto/generated/gpusched/v1/DeviceCondition.ts";
import type { Node__Output } from "../../proto/generated/gpusched/v1/Node.ts";
import { timestamp, word } from "./words.ts";

export function toNode(node: Node__Output) {
  const inventory = node.inventory;
  return {
    name: node.name,
    state: word("NODE_STATE", node.state),
    cordoned: node.cordoned,
    message: node.message,
    cpu_cores: inventory?.cpu_cores ?? 0,
    cpu_cores_used: node.cpu_cores_used,
    memory_mb: inventory?.memory_mb ?? 0,
    memory_mb_used: node.memory_mb_used,
    labels: inventory?.labels ?? {},
    executor: inventory?.executor ?? "",
    device_source: inventory?.device_source ?? "",
    device_source_reason: inventory?.device_source_reason ?? "",
    gpu_grant: inventory?.gpu_grant ?? "",
    gpu_grant_reason: inventory?.gpu_grant_reason ?? "",
    allows_sharing: inventory?.allows_sharing ?? false,
    gpu_sharing: inventory?.gpu_sharing || null,
    driver_version: inventory?.driver_version ?? "",
    cuda_version: inventory?.cuda_version || null,
    agent_version: inventory?.agent_version ?? "",
    findings: (inventory?.findings ?? []).map(({ check, severity, message, cure }) => ({
      check,
      severity,
      message,
      cure,
    })),
    registered_at: formatTimestamp(node.registered_at_ms),
    last_heard_at: timestamp(node.last_heard_at_ms),
    confirmed_dead: node.confirmed_dead
      ? {
          at: formatTimestamp(node.confirmed_dead.at_ms),
          by: node.confirmed_dead.by,
          reason: node.confirmed_dead.reason,
        }
      : null,
    cordon: node.cordon
      ? {
          at: formatTimestamp(node.cordon.at_ms),
          by: node.cordon.by,
          reason: node.cordon.reason,
          drain_until: timestamp(node.cordon.drain_until_ms),
        }
      : null,
    volume_prefixes: inventory?.volume_prefixes ?? [],
    lives_by: node.lives_by,
    lives_by_reason: node.lives_by_reason,
    devices: toDevices(node, inventory?.devices ?? []),
    links: (inventory?.links ?? []).map(({ a, b, kind, lanes }) => ({ a, b, kind, lanes: lanes || null })),
  };
}

function toDevices(node: Node__Output, devices: readonly Device__Output[]) {
  const conditions = new Map(node.conditions.map((condition) => [condition.id, condition]));
  const readings = new Map(node.telemetry.map((reading) => [reading.id, reading]));
  const holders = Map.groupBy(node.holders, (holder) => holder.gpu_id);
  return devices.map((device) => {
    const reading = readings.get(device.id);
    const held = (holders.get(device.id) ?? []).map(({ job_id, attempt, milli }) => ({
      job_id,
      attempt,
      gpu_milli: milli,
    }));
    return {
      id: device.id,
      model: device.model,
      memory_mb: device.memory_mb,
      index: device.index,
      pci_bus_id: device.pci_bus_id,
      numa_node: device.numa_node ?? null,
      nvlink_island: device.nvlink_island ?? null,
      slowdown_c: device.slowdown_c ?? null,
      parent_id: device.parent_id || null,
      mig_profile: device.mig_profile || null,
      ecc_enabled: device.ecc_enabled ?? null,
      power_limit_w: device.power_limit_w ?? null,
      max_clock_mhz: device.max_clock_mhz ?? null,
      utilization_percent: reading?.utilization_percent ?? null,
      memory_used_mb: reading?.memory_used_mb ?? null,
      temperature_c: reading?.temperature_c ?? null,
      power_w: reading?.power_w ?? null,
      throttling: reading?.throttling ?? null,
      ...toCondition(conditions.get(device.id)),
      memory_utilization_percent: reading?.memory_utilization_percent ?? null,
      clock_mhz: reading?.clock_mhz ?? null,
      memory_clock_mhz: reading?.memory_clock_mhz ?? null,
      energy_j: reading?.energy_j ?? null,
      slowdown_margin_c: reading?.slowdown_margin_c ?? null,
      ecc_corrected: reading?.ecc_corrected ?? null,
      ecc_uncorrected: reading?.ecc_uncorrected ?? null,
      holder: held[0] ?? null,
      holders: held,
    };
  });
}

/** How a device is; what nobody told of is null. */
function toCondition(condition: DeviceCondition__Output | undefined) {
  return {
    health: word("DEVICE_HEALTH", condition?.health),
    health_owner: condition?.owner || null,
    health_reason: condition?.reason || null,
    way_back: condition?.way_back || null,
    since: condition ? formatTimestamp(condition.since_ms) : null,
    use: word("DEVICE_USE", condition?.use),
    use_reason: condition?.use_reason || null,
    withheld: condition?.withheld || null,
  };
}

/** The documented fields, and who leads. */
export function toClusterStatus(status: ClusterStatus__Output) {
  return {
    total_gpus: status.total_gpus,
    available_gpus: status.available_gpus,
    total_nodes: status.total_nodes,
    online_nodes: status.online_nodes,
    total_jobs: status.total_jobs,
    pending_jobs: status.pending_jobs,
    running_jobs: status.running_jobs,
    leader: status.leader,
    term: status.term,
    store: status.store,
    version: status.version,
  };
}
