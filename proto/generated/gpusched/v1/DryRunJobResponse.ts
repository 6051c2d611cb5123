// Original file: proto/gpusched/v1/scheduler.proto

import type { SubmitRefusal as _gpusched_v1_SubmitRefusal, SubmitRefusal__Output as _gpusched_v1_SubmitRefusal__Output } from '../../gpusched/v1/SubmitRefusal.ts';
import type { Explanation as _gpusched_v1_Explanation, Explanation__Output as _gpusched_v1_Explanation__Output } from '../../gpusched/v1/Explanation.ts';

export interface DryRunJobResponse {
  'refusal'?: (_gpusched_v1_SubmitRefusal | null);
  'explanation'?: (_gpusched_v1_Explanation | null);
}

export interface DryRunJobResponse__Output {
  'refusal': (_gpusched_v1_SubmitRefusal__Output | null);
  'explanation': (_gpusched_v1_Explanation__Output | null);
}
