// Original file: proto/gpusched/v1/scheduler.proto

import type { SubmitJobResult as _gpusched_v1_SubmitJobResult, SubmitJobResult__Output as _gpusched_v1_SubmitJobResult__Output } from '../../gpusched/v1/SubmitJobResult.ts';

export interface SubmitJobsResponse {
  'results'?: (_gpusched_v1_SubmitJobResult)[];
}

export interface SubmitJobsResponse__Output {
  'results': (_gpusched_v1_SubmitJobResult__Output)[];
}
