// Original file: proto/gpusched/v1/scheduler.proto

import type { JobSpec as _gpusched_v1_JobSpec, JobSpec__Output as _gpusched_v1_JobSpec__Output } from '../../gpusched/v1/JobSpec.ts';

export interface SubmitJobRequest {
  'spec'?: (_gpusched_v1_JobSpec | null);
  'array_count'?: (number);
  '_array_count'?: "array_count";
}

export interface SubmitJobRequest__Output {
  'spec': (_gpusched_v1_JobSpec__Output | null);
  'array_count'?: (number);
  '_array_count'?: "array_count";
}
