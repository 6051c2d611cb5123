// Original file: proto/gpusched/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface ResourceUsage {
  'gpus'?: (number | string);
  'gpu_memory_mb'?: (number | string | Long);
  'cpu_cores'?: (number);
  'memory_mb'?: (number | string | Long);
  'running_jobs'?: (number);
  'queued_jobs'?: (number);
}

export interface ResourceUsage__Output {
  'gpus': (number);
  'gpu_memory_mb': (number);
  'cpu_cores': (number);
  'memory_mb': (number);
  'running_jobs': (number);
  'queued_jobs': (number);
}
