// Original file: proto/gpusched/v1/scheduler.proto

import type { JobState as _gpusched_v1_JobState, JobState__Output as _gpusched_v1_JobState__Output } from '../../gpusched/v1/JobState.ts';
import type { JobPhase as _gpusched_v1_JobPhase, JobPhase__Output as _gpusched_v1_JobPhase__Output } from '../../gpusched/v1/JobPhase.ts';
import type { Blocker as _gpusched_v1_Blocker, Blocker__Output as _gpusched_v1_Blocker__Output } from '../../gpusched/v1/Blocker.ts';
import type { NodeAnswer as _gpusched_v1_NodeAnswer, NodeAnswer__Output as _gpusched_v1_NodeAnswer__Output } from '../../gpusched/v1/NodeAnswer.ts';
import type { Counterfactual as _gpusched_v1_Counterfactual, Counterfactual__Output as _gpusched_v1_Counterfactual__Output } from '../../gpusched/v1/Counterfactual.ts';
import type { Long } from '@grpc/proto-loader';

export interface Explanation {
  'job_id'?: (string);
  'state'?: (_gpusched_v1_JobState);
  'phase'?: (_gpusched_v1_JobPhase);
  'message'?: (string);
  'queue_position'?: (number);
  'blockers'?: (_gpusched_v1_Blocker)[];
  'nodes'?: (_gpusched_v1_NodeAnswer)[];
  'nodes_left_out'?: (number);
  'starts_at_ms'?: (number | string | Long);
  'estimated_wait_ms'?: (number | string | Long);
  'counterfactuals'?: (_gpusched_v1_Counterfactual)[];
  'starts_by_ms'?: (number | string | Long);
  '_starts_at_ms'?: "starts_at_ms";
  '_estimated_wait_ms'?: "estimated_wait_ms";
  '_starts_by_ms'?: "starts_by_ms";
}

export interface Explanation__Output {
  'job_id': (string);
  'state': (_gpusched_v1_JobState__Output);
  'phase': (_gpusched_v1_JobPhase__Output);
  'message': (string);
  'queue_position': (number);
  'blockers': (_gpusched_v1_Blocker__Output)[];
  'nodes': (_gpusched_v1_NodeAnswer__Output)[];
  'nodes_left_out': (number);
  'starts_at_ms'?: (number);
  'estimated_wait_ms'?: (number);
  'counterfactuals': (_gpusched_v1_Counterfactual__Output)[];
  'starts_by_ms'?: (number);
  '_starts_at_ms'?: "starts_at_ms";
  '_estimated_wait_ms'?: "estimated_wait_ms";
  '_starts_by_ms'?: "starts_by_ms";
}
