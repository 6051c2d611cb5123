/** Branded ids: strings that cannot be mixed up. */
declare const brand: unique symbol;

/** `job-` and 19 digits: 13 of milliseconds since the epoch, 6 that count within; sorts by creation. */
export type JobId = string & { readonly [brand]: "JobId" };
/** `tenant-` and digits. */
export type TenantId = string & { readonly [brand]: "TenantId" };
/** The name by which an agent registers its host: a DNS label or name. */
export type NodeName = string & { readonly [brand]: "NodeName" };
/** The driver's UUID of a GPU or MIG slice. */
export type DeviceId = string & { readonly [brand]: "DeviceId" };

export const asJobId = (text: string): JobId => text as JobId;
export const asTenantId = (text: string): TenantId => text as TenantId;
export const asNodeName = (text: string): NodeName => text as NodeName;
export const asDeviceId = (text: string): DeviceId => text as DeviceId;

/** One rank of one attempt of one job: the unit that agents start, stop and report. */
export interface AllocationKey {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly rank: number;
}

/** `job-17…-2-0`: job, attempt, rank. Names containers and directories; parsed by {@link parseAllocationName}. */
export function allocationName(key: AllocationKey): string {
  return `${key.jobId}-${key.attempt}-${key.rank}`;
}

/** The reverse of {@link allocationName}; undefined for any other text. */
export function parseAllocationName(name: string): AllocationKey | undefined {
  const match = /^(job-\d{1,19})-(\d{1,9})-(\d{1,9})$/.exec(name);
  if (!match?.[1]) return undefined;
  return { jobId: asJobId(match[1]), attempt: Number(match[2]), rank: Number(match[3]) };
}
