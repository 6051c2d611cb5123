// Original file: proto/gpusched/v1/agent.proto

import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from '../../gpusched/v1/AllocationKey.ts';

export interface Release {
  'key'?: (_gpusched_v1_AllocationKey | null);
}

export interface Release__Output {
  'key': (_gpusched_v1_AllocationKey__Output | null);
}
