// Original file: proto/gpusched/v1/scheduler.proto

import type { Long } from '@grpc/proto-loader';

export interface ClusterStatus {
  'total_gpus'?: (number);
  'available_gpus'?: (number);
  'total_nodes'?: (number);
  'online_nodes'?: (number);
  'total_jobs'?: (number);
  'pending_jobs'?: (number);
  'running_jobs'?: (number);
  'leader'?: (string);
  'term'?: (number | string | Long);
  'store'?: (string);
  'version'?: (string);
}

export interface ClusterStatus__Output {
  'total_gpus': (number);
  'available_gpus': (number);
  'total_nodes': (number);
  'online_nodes': (number);
  'total_jobs': (number);
  'pending_jobs': (number);
  'running_jobs': (number);
  'leader': (string);
  'term': (number);
  'store': (string);
  'version': (string);
}
