// Original file: proto/gpusched/v1/scheduler.proto

import type { SubmitJobResponse as _gpusched_v1_SubmitJobResponse, SubmitJobResponse__Output as _gpusched_v1_SubmitJobResponse__Output } from '../../gpusched/v1/SubmitJobResponse.ts';
import type { SubmitRefusal as _gpusched_v1_SubmitRefusal, SubmitRefusal__Output as _gpusched_v1_SubmitRefusal__Output } from '../../gpusched/v1/SubmitRefusal.ts';

export interface SubmitJobResult {
  'submitted'?: (_gpusched_v1_SubmitJobResponse | null);
  'refusal'?: (_gpusched_v1_SubmitRefusal | null);
  'result'?: "submitted"|"refusal";
}

export interface SubmitJobResult__Output {
  'submitted'?: (_gpusched_v1_SubmitJobResponse__Output | null);
  'refusal'?: (_gpusched_v1_SubmitRefusal__Output | null);
  'result'?: "submitted"|"refusal";
}
