// Original file: proto/gpusched/v1/scheduler.proto

import type { SubmitJobRequest as _gpusched_v1_SubmitJobRequest, SubmitJobRequest__Output as _gpusched_v1_SubmitJobRequest__Output } from '../../gpusched/v1/SubmitJobRequest.ts';

export interface SubmitJobsRequest {
  'jobs'?: (_gpusched_v1_SubmitJobRequest)[];
}

export interface SubmitJobsRequest__Output {
  'jobs': (_gpusched_v1_SubmitJobRequest__Output)[];
}
