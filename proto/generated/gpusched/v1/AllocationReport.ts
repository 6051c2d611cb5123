// Original file: proto/gpusched/v1/agent.proto

import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from '../../gpusched/v1/AllocationKey.ts';
import type { AllocationPhase as _gpusched_v1_AllocationPhase, AllocationPhase__Output as _gpusched_v1_AllocationPhase__Output } from '../../gpusched/v1/AllocationPhase.ts';
import type { EndCause as _gpusched_v1_EndCause, EndCause__Output as _gpusched_v1_EndCause__Output } from '../../gpusched/v1/EndCause.ts';
import type { Long } from '@grpc/proto-loader';

export interface AllocationReport {
  'key'?: (_gpusched_v1_AllocationKey | null);
  'phase'?: (_gpusched_v1_AllocationPhase);
  'message'?: (string);
  'started_at_ms'?: (number | string | Long);
  'ended_at_ms'?: (number | string | Long);
  'exit_code'?: (number);
  'signal'?: (number);
  'out_of_memory'?: (boolean);
  'cause'?: (_gpusched_v1_EndCause);
  'gpu_ids'?: (string)[];
  'failed_gpu_ids'?: (string)[];
  '_started_at_ms'?: "started_at_ms";
  '_ended_at_ms'?: "ended_at_ms";
  '_exit_code'?: "exit_code";
  '_signal'?: "signal";
}

export interface AllocationReport__Output {
  'key': (_gpusched_v1_AllocationKey__Output | null);
  'phase': (_gpusched_v1_AllocationPhase__Output);
  'message': (string);
  'started_at_ms'?: (number);
  'ended_at_ms'?: (number);
  'exit_code'?: (number);
  'signal'?: (number);
  'out_of_memory': (boolean);
  'cause': (_gpusched_v1_EndCause__Output);
  'gpu_ids': (string)[];
  'failed_gpu_ids': (string)[];
  '_started_at_ms'?: "started_at_ms";
  '_ended_at_ms'?: "ended_at_ms";
  '_exit_code'?: "exit_code";
  '_signal'?: "signal";
}
