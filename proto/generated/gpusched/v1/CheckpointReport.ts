// Original file: proto/gpusched/v1/agent.proto

import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from '../../gpusched/v1/AllocationKey.ts';
import type { Long } from '@grpc/proto-loader';

export interface CheckpointReport {
  'key'?: (_gpusched_v1_AllocationKey | null);
  'at_ms'?: (number | string | Long);
}

export interface CheckpointReport__Output {
  'key': (_gpusched_v1_AllocationKey__Output | null);
  'at_ms': (number);
}
