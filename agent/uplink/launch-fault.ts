import type { DeviceId } from "../../base/ids.ts";
import { RESERVED_LABEL, RESERVED_VARIABLE } from "../../contract/reserved.ts";
import type { Launch__Output } from "../../proto/generated/gpusched/v1/Launch.ts";
import type { LaunchFault } from "../executor/executor.ts";

/** In thousandths. */
const WHOLE_DEVICE = 1_000;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SETS_SHARE = /^CUDA_MPS_/;

/** What this node has to give, whatever the leader believes. */
export interface NodeGrant {
  readonly devices: ReadonlySet<DeviceId>;
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly allowsSharing: boolean;
}

/**
 * What a launch asks for that this node gives to nobody: the agent's own look at it, so that not even a leader that was
 * taken over gets more out of a host than its operator allows. Undefined when there is nothing.
 */
export function launchFault(launch: Launch__Output, grant: NodeGrant): LaunchFault | undefined {
  const wrong = textFault(launch);
  if (wrong !== undefined) return { kind: "bad-request", message: wrong };
  const missing = deviceFault(launch, grant) ?? hostFault(launch, grant);
  return missing === undefined ? undefined : { kind: "node", message: missing };
}

function textFault({
  environment,
  labels,
  command,
  args,
  script,
  gpu_milli: milli,
}: Launch__Output): string | undefined {
  for (const [name, value] of Object.entries(environment)) {
    if (!VARIABLE.test(name)) return `the environment has a name that is none: ${JSON.stringify(name)}`;
    const isReserved = RESERVED_VARIABLE.test(name) || (milli !== undefined && SETS_SHARE.test(name));
    if (isReserved) return `the variable ${name} is reserved and cannot be set`;
    if (value.includes("\0")) return `the variable ${name} has a NUL character`;
  }
  const label = Object.keys(labels).find((name) => RESERVED_LABEL.test(name));
  if (label !== undefined) return `the label ${label} is reserved and cannot be set`;
  if ([...command, ...args, script ?? ""].some((text) => text.includes("\0"))) return "the command has a NUL character";
  return undefined;
}

function deviceFault(
  { gpu_ids: ids, gpu_milli: milli }: Launch__Output,
  { devices, allowsSharing }: NodeGrant,
): string | undefined {
  const unknown = ids.find((id) => !devices.has(id as DeviceId));
  if (unknown !== undefined) return `this node has no GPU ${unknown}`;
  if (new Set(ids).size < ids.length) return "the same GPU was granted twice";
  if (milli === undefined) return undefined;
  if (!allowsSharing) return "this node does not share GPUs";
  return ids.length === 1 && milli > 0 && milli <= WHOLE_DEVICE
    ? undefined
    : "a share is of one GPU, and at most all of it";
}

function hostFault({ cpu_cores: cores, memory_mb: memoryMb }: Launch__Output, grant: NodeGrant): string | undefined {
  if (!(cores >= 0 && cores <= grant.cpuCores))
    return `${cores} cores were granted, and this node has ${grant.cpuCores}`;
  if (!(memoryMb >= 0 && memoryMb <= grant.memoryMb)) {
    return `${memoryMb} MB of memory were granted, and this node has ${grant.memoryMb} MB`;
  }
  return undefined;
}
