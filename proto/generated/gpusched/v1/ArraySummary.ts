// Original file: proto/gpusched/v1/types.proto

import type { StateCount as _gpusched_v1_StateCount, StateCount__Output as _gpusched_v1_StateCount__Output } from '../../gpusched/v1/StateCount.ts';

export interface ArraySummary {
  'job_ids'?: (string)[];
  'counts'?: (_gpusched_v1_StateCount)[];
}

export interface ArraySummary__Output {
  'job_ids': (string)[];
  'counts': (_gpusched_v1_StateCount__Output)[];
}
