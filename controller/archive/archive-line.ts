import { formatTimestamp } from "../../base/time.ts";
import type { Job, JobSpec } from "../core/model/job.ts";

/** Changes whenever lines change their meaning. */
const FORMAT = 1;

/** What is put down of a job when it is not kept any more. */
export interface ArchiveLine {
  readonly format: number;
  readonly archivedAt: string;
  /** The row as it was stored. */
  readonly job: Job;
  /** Of an array only with its first job: it is the same for all. The values of its environment may be secrets: names are kept. */
  readonly spec?: Omit<JobSpec, "environment"> & { readonly environment?: readonly string[] };
}

export function archiveLine(job: Job, spec: JobSpec, at: number): ArchiveLine {
  const line = { format: FORMAT, archivedAt: formatTimestamp(at), job };
  return (job.array?.index ?? 0) > 0 ? line : { ...line, spec: withoutSecrets(spec) };
}

function withoutSecrets({ environment, ...spec }: JobSpec): ArchiveLine["spec"] {
  return { ...spec, ...(environment ? { environment: Object.keys(environment) } : {}) };
}
