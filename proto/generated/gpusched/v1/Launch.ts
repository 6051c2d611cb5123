// Original file: proto/gpusched/v1/agent.proto

import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from '../../gpusched/v1/AllocationKey.ts';
import type { ArrayMembership as _gpusched_v1_ArrayMembership, ArrayMembership__Output as _gpusched_v1_ArrayMembership__Output } from '../../gpusched/v1/ArrayMembership.ts';
import type { Volume as _gpusched_v1_Volume, Volume__Output as _gpusched_v1_Volume__Output } from '../../gpusched/v1/Volume.ts';
import type { Long } from '@grpc/proto-loader';

export interface Launch {
  'key'?: (_gpusched_v1_AllocationKey | null);
  'tenant_id'?: (string);
  'job_name'?: (string);
  'gpu_ids'?: (string)[];
  'cpu_cores'?: (number);
  'memory_mb'?: (number);
  'image'?: (string);
  'command'?: (string)[];
  'args'?: (string)[];
  'script'?: (string);
  'environment'?: ({[key: string]: string});
  'labels'?: ({[key: string]: string});
  'grace_ms'?: (number | string | Long);
  'requeue_on_node_lost'?: (boolean);
  'gpu_milli'?: (number);
  'gpu_memory_mb'?: (number);
  'array'?: (_gpusched_v1_ArrayMembership | null);
  'shm_size_mb'?: (number);
  'volumes'?: (_gpusched_v1_Volume)[];
  '_image'?: "image";
  '_script'?: "script";
  '_gpu_milli'?: "gpu_milli";
  '_shm_size_mb'?: "shm_size_mb";
}

export interface Launch__Output {
  'key': (_gpusched_v1_AllocationKey__Output | null);
  'tenant_id': (string);
  'job_name': (string);
  'gpu_ids': (string)[];
  'cpu_cores': (number);
  'memory_mb': (number);
  'image'?: (string);
  'command': (string)[];
  'args': (string)[];
  'script'?: (string);
  'environment': ({[key: string]: string});
  'labels': ({[key: string]: string});
  'grace_ms': (number);
  'requeue_on_node_lost': (boolean);
  'gpu_milli'?: (number);
  'gpu_memory_mb': (number);
  'array': (_gpusched_v1_ArrayMembership__Output | null);
  'shm_size_mb'?: (number);
  'volumes': (_gpusched_v1_Volume__Output)[];
  '_image'?: "image";
  '_script'?: "script";
  '_gpu_milli'?: "gpu_milli";
  '_shm_size_mb'?: "shm_size_mb";
}
