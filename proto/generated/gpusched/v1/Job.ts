// Original file: proto/gpusched/v1/types.proto

import type { JobState as _gpusched_v1_JobState, JobState__Output as _gpusched_v1_JobState__Output } from '../../gpusched/v1/JobState.ts';
import type { JobPhase as _gpusched_v1_JobPhase, JobPhase__Output as _gpusched_v1_JobPhase__Output } from '../../gpusched/v1/JobPhase.ts';
import type { Allocation as _gpusched_v1_Allocation, Allocation__Output as _gpusched_v1_Allocation__Output } from '../../gpusched/v1/Allocation.ts';
import type { JobEvent as _gpusched_v1_JobEvent, JobEvent__Output as _gpusched_v1_JobEvent__Output } from '../../gpusched/v1/JobEvent.ts';
import type { JobSpec as _gpusched_v1_JobSpec, JobSpec__Output as _gpusched_v1_JobSpec__Output } from '../../gpusched/v1/JobSpec.ts';
import type { ArrayMembership as _gpusched_v1_ArrayMembership, ArrayMembership__Output as _gpusched_v1_ArrayMembership__Output } from '../../gpusched/v1/ArrayMembership.ts';
import type { ArraySummary as _gpusched_v1_ArraySummary, ArraySummary__Output as _gpusched_v1_ArraySummary__Output } from '../../gpusched/v1/ArraySummary.ts';
import type { RuntimePrediction as _gpusched_v1_RuntimePrediction, RuntimePrediction__Output as _gpusched_v1_RuntimePrediction__Output } from '../../gpusched/v1/RuntimePrediction.ts';
import type { Long } from '@grpc/proto-loader';

export interface Job {
  'id'?: (string);
  'tenant_id'?: (string);
  'name'?: (string);
  'state'?: (_gpusched_v1_JobState);
  'phase'?: (_gpusched_v1_JobPhase);
  'message'?: (string);
  'priority'?: (number);
  'effective_priority'?: (number);
  'gpu_count'?: (number);
  'attempt'?: (number);
  'exit_code'?: (number);
  'signal'?: (number);
  'submitted_at_ms'?: (number | string | Long);
  'started_at_ms'?: (number | string | Long);
  'finished_at_ms'?: (number | string | Long);
  'queue_position'?: (number);
  'estimated_wait_ms'?: (number | string | Long);
  'allocations'?: (_gpusched_v1_Allocation)[];
  'history'?: (_gpusched_v1_JobEvent)[];
  'spec'?: (_gpusched_v1_JobSpec | null);
  'array'?: (_gpusched_v1_ArrayMembership | null);
  'array_summary'?: (_gpusched_v1_ArraySummary | null);
  'eligible_at_ms'?: (number | string | Long);
  'predicted_runtime'?: (_gpusched_v1_RuntimePrediction | null);
  'checkpoint_at_ms'?: (number | string | Long);
  '_exit_code'?: "exit_code";
  '_signal'?: "signal";
  '_started_at_ms'?: "started_at_ms";
  '_finished_at_ms'?: "finished_at_ms";
  '_estimated_wait_ms'?: "estimated_wait_ms";
  '_eligible_at_ms'?: "eligible_at_ms";
  '_checkpoint_at_ms'?: "checkpoint_at_ms";
}

export interface Job__Output {
  'id': (string);
  'tenant_id': (string);
  'name': (string);
  'state': (_gpusched_v1_JobState__Output);
  'phase': (_gpusched_v1_JobPhase__Output);
  'message': (string);
  'priority': (number);
  'effective_priority': (number);
  'gpu_count': (number);
  'attempt': (number);
  'exit_code'?: (number);
  'signal'?: (number);
  'submitted_at_ms': (number);
  'started_at_ms'?: (number);
  'finished_at_ms'?: (number);
  'queue_position': (number);
  'estimated_wait_ms'?: (number);
  'allocations': (_gpusched_v1_Allocation__Output)[];
  'history': (_gpusched_v1_JobEvent__Output)[];
  'spec': (_gpusched_v1_JobSpec__Output | null);
  'array': (_gpusched_v1_ArrayMembership__Output | null);
  'array_summary': (_gpusched_v1_ArraySummary__Output | null);
  'eligible_at_ms'?: (number);
  'predicted_runtime': (_gpusched_v1_RuntimePrediction__Output | null);
  'checkpoint_at_ms'?: (number);
  '_exit_code'?: "exit_code";
  '_signal'?: "signal";
  '_started_at_ms'?: "started_at_ms";
  '_finished_at_ms'?: "finished_at_ms";
  '_estimated_wait_ms'?: "estimated_wait_ms";
  '_eligible_at_ms'?: "eligible_at_ms";
  '_checkpoint_at_ms'?: "checkpoint_at_ms";
}
