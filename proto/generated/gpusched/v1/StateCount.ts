// Original file: proto/gpusched/v1/types.proto

import type { JobState as _gpusched_v1_JobState, JobState__Output as _gpusched_v1_JobState__Output } from '../../gpusched/v1/JobState.ts';

export interface StateCount {
  'state'?: (_gpusched_v1_JobState);
  'count'?: (number);
}

export interface StateCount__Output {
  'state': (_gpusched_v1_JobState__Output);
  'count': (number);
}
