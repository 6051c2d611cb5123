import type { AllocationKey, DeviceId } from "../../base/ids.ts";

/** Names by which a container toolkit or CUDA would hand out devices: only the agent sets them. */
const GRANTS_DEVICES = /^(NVIDIA_|CUDA_VISIBLE_)/;

/** What the agent knows of an allocation beyond what the user asked for. */
export interface JobEnvironmentFacts {
  readonly key: AllocationKey;
  readonly tenantId: string;
  readonly nodeName: string;
  readonly deviceIds: readonly DeviceId[];
  readonly executor: "docker" | "process";
}

/**
 * The complete environment of a job: what the leader sent (the user's variables and the gang's rendezvous) and the
 * documented variables of the job, the node and the devices, which nothing can override.
 */
export function jobEnvironment(
  given: Readonly<Record<string, string>>,
  facts: JobEnvironmentFacts,
): Record<string, string> {
  const allowed = Object.entries(given).filter(([name]) => !GRANTS_DEVICES.test(name));
  return {
    ...Object.fromEntries(allowed),
    GPUSCHED_JOB_ID: facts.key.jobId,
    GPUSCHED_ATTEMPT: String(facts.key.attempt),
    GPUSCHED_TENANT_ID: facts.tenantId,
    GPUSCHED_NODE_NAME: facts.nodeName,
    // `void` keeps the NVIDIA runtime from honouring an image that asks for all devices.
    NVIDIA_VISIBLE_DEVICES: facts.deviceIds.length === 0 ? "void" : facts.deviceIds.join(","),
    CUDA_VISIBLE_DEVICES: cudaVisibleDevices(facts),
  };
}

/** A container sees only its own devices, counted from 0; a process sees all of the host and is told its own by UUID. */
function cudaVisibleDevices({ executor, deviceIds }: JobEnvironmentFacts): string {
  return deviceIds.map((id, index) => (executor === "docker" ? String(index) : id)).join(",");
}
