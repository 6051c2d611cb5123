// Original file: proto/gpusched/v1/agent.proto

import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from '../../gpusched/v1/AllocationKey.ts';
import type { Long } from '@grpc/proto-loader';

export interface Stop {
  'key'?: (_gpusched_v1_AllocationKey | null);
  'grace_ms'?: (number | string | Long);
  'reason'?: (string);
}

export interface Stop__Output {
  'key': (_gpusched_v1_AllocationKey__Output | null);
  'grace_ms': (number);
  'reason': (string);
}
