import {
  type AllocationKey,
  allocationName,
  asDeviceId,
  type DeviceId,
  parseAllocationName,
} from "../../../base/ids.ts";
import type { LaunchSpec } from "../executor.ts";

const NAME_PREFIX = "gpusched-";

/** Whose container it is: containers on one engine may belong to several agents. */
export interface ContainerOwner {
  readonly agentId: string;
  readonly nodeName: string;
  /** The kernel's boot id. */
  readonly bootId: string;
}

/** What a container's labels tell of its allocation. */
export interface LabelledAllocation {
  readonly key: AllocationKey;
  readonly deviceIds: readonly DeviceId[];
  readonly gpuMilli: number | undefined;
  readonly graceMs: number;
  readonly requeueOnNodeLost: boolean;
  readonly agentId: string;
  readonly bootId: string;
}

/** Docker keeps names unique, so an allocation has at most one container. */
export function containerName(key: AllocationKey): string {
  return NAME_PREFIX + allocationName(key);
}

/** The label that the containers of every agent have. */
export const ANY_AGENT_LABEL = "gpusched.agent";

/** The label by which an agent finds its containers. */
export function agentLabel(agentId: string): string {
  return `gpusched.agent=${agentId}`;
}

/** All that is needed to adopt the container later, and the job's own labels for people and monitoring. */
export function labelsOf(spec: LaunchSpec, owner: ContainerOwner): Record<string, string> {
  const own = Object.entries(spec.labels).map(([name, value]) => [`gpusched.label.${name}`, value]);
  return {
    ...Object.fromEntries(own),
    "gpusched.agent": owner.agentId,
    "gpusched.node": owner.nodeName,
    "gpusched.boot": owner.bootId,
    "gpusched.job": spec.key.jobId,
    "gpusched.attempt": String(spec.key.attempt),
    "gpusched.rank": String(spec.key.rank),
    "gpusched.tenant": spec.tenantId,
    "gpusched.devices": spec.deviceIds.join(","),
    // Also where there is none: a label of the image's would stand there else.
    "gpusched.milli": spec.gpuMilli === undefined ? "" : String(spec.gpuMilli),
    "gpusched.grace-ms": String(spec.graceMs),
    "gpusched.requeue": String(spec.requeueOnNodeLost),
  };
}

/** The reverse of {@link labelsOf}; undefined for a container that is not ours. */
export function parseLabels(labels: Readonly<Record<string, string>>): LabelledAllocation | undefined {
  const of = (name: string): string => labels[`gpusched.${name}`] ?? "";
  const key = parseAllocationName(`${of("job")}-${of("attempt")}-${of("rank")}`);
  const graceMs = Number(of("grace-ms"));
  if (key === undefined || of("agent") === "" || !Number.isSafeInteger(graceMs) || graceMs < 0) return undefined;
  return {
    key,
    deviceIds: of("devices").split(",").filter(Boolean).map(asDeviceId),
    gpuMilli: /^\d{1,4}$/.test(of("milli")) ? Number(of("milli")) : undefined,
    graceMs,
    requeueOnNodeLost: of("requeue") === "true",
    agentId: of("agent"),
    bootId: of("boot"),
  };
}
