// Original file: proto/gpusched/v1/types.proto

import type { AllocationPhase as _gpusched_v1_AllocationPhase, AllocationPhase__Output as _gpusched_v1_AllocationPhase__Output } from '../../gpusched/v1/AllocationPhase.ts';

export interface Allocation {
  'rank'?: (number);
  'node_name'?: (string);
  'gpu_ids'?: (string)[];
  'cpu_cores'?: (number);
  'memory_mb'?: (number);
  'phase'?: (_gpusched_v1_AllocationPhase);
  'exit_code'?: (number);
  'signal'?: (number);
  'message'?: (string);
  'gpu_milli'?: (number);
  'gpu_sharing'?: (string);
  '_exit_code'?: "exit_code";
  '_signal'?: "signal";
  '_gpu_milli'?: "gpu_milli";
}

export interface Allocation__Output {
  'rank': (number);
  'node_name': (string);
  'gpu_ids': (string)[];
  'cpu_cores': (number);
  'memory_mb': (number);
  'phase': (_gpusched_v1_AllocationPhase__Output);
  'exit_code'?: (number);
  'signal'?: (number);
  'message': (string);
  'gpu_milli'?: (number);
  'gpu_sharing': (string);
  '_exit_code'?: "exit_code";
  '_signal'?: "signal";
  '_gpu_milli'?: "gpu_milli";
}
