import type { AllocationKey, DeviceId } from "../../base/ids.ts";

/** Names by which a container toolkit or CUDA would hand out devices: only the agent sets them. */
const GRANTS_DEVICES = /^(NVIDIA_|CUDA_VISIBLE_)/;
/** By which a job would widen its share of a device. */
const SETS_SHARE = /^CUDA_MPS_/;
/** In thousandths for one percent. */
const MILLI_PER_PERCENT = 10;

/** What the agent knows of an allocation beyond what the user asked for. */
export interface JobEnvironmentFacts {
  readonly key: AllocationKey;
  readonly tenantId: string;
  readonly nodeName: string;
  readonly deviceIds: readonly DeviceId[];
  readonly executor: "docker" | "process";
  /** Set for one job of an array. */
  readonly array?: { readonly id: string; readonly index: number } | undefined;
  /** Set for a job that has a part of its one device. */
  readonly share?: DeviceShare | undefined;
}

/** A part of one device. */
export interface DeviceShare {
  /** In thousandths. */
  readonly milli: number;
  /** The part of its memory. */
  readonly memoryMb: number;
  /** Where NVIDIA's daemon answers that holds jobs to their share; undefined when there is none. */
  readonly mpsDirectory: string | undefined;
}

/**
 * The complete environment of a job: what the leader sent (the user's variables and the gang's rendezvous) and the
 * documented variables of the job, the node and the devices, which nothing can override.
 */
export function jobEnvironment(
  given: Readonly<Record<string, string>>,
  facts: JobEnvironmentFacts,
): Record<string, string> {
  const { array, share } = facts;
  const allowed = Object.entries(given).filter(([name]) => {
    return !GRANTS_DEVICES.test(name) && !(share && SETS_SHARE.test(name));
  });
  return {
    ...Object.fromEntries(allowed),
    GPUSCHED_JOB_ID: facts.key.jobId,
    GPUSCHED_ATTEMPT: String(facts.key.attempt),
    GPUSCHED_TENANT_ID: facts.tenantId,
    GPUSCHED_NODE_NAME: facts.nodeName,
    ...(array && { GPUSCHED_ARRAY_ID: array.id, GPUSCHED_ARRAY_INDEX: String(array.index) }),
    ...(share && shareVariables(share)),
    // `void` keeps the NVIDIA runtime from honouring an image that asks for all devices.
    NVIDIA_VISIBLE_DEVICES: facts.deviceIds.length === 0 ? "void" : facts.deviceIds.join(","),
    CUDA_VISIBLE_DEVICES: cudaVisibleDevices(facts),
  };
}

/** NVIDIA's Multi-Process Service holds whoever has these to so many of the processors, and to so much memory. */
function shareVariables({ milli, memoryMb, mpsDirectory }: DeviceShare): Record<string, string> {
  const told = { GPUSCHED_GPU_MILLI: String(milli) };
  if (mpsDirectory === undefined) return told;
  return {
    ...told,
    CUDA_MPS_PIPE_DIRECTORY: mpsDirectory,
    CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: String(Math.max(1, Math.floor(milli / MILLI_PER_PERCENT))),
    // Its device is the only one that it sees.
    ...(memoryMb > 0 && { CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: `0=${memoryMb}M` }),
  };
}

/** A container sees only its own devices, counted from 0; a process sees all of the host and is told its own by UUID. */
function cudaVisibleDevices({ executor, deviceIds }: JobEnvironmentFacts): string {
  return deviceIds.map((id, index) => (executor === "docker" ? String(index) : id)).join(",");
}
