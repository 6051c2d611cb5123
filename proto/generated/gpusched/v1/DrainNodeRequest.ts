// Original file: proto/gpusched/v1/scheduler.proto

import type { Long } from '@grpc/proto-loader';

export interface DrainNodeRequest {
  'node_name'?: (string);
  'by'?: (string);
  'reason'?: (string);
  'deadline_seconds'?: (number | string | Long);
  '_deadline_seconds'?: "deadline_seconds";
}

export interface DrainNodeRequest__Output {
  'node_name': (string);
  'by': (string);
  'reason': (string);
  'deadline_seconds'?: (number);
  '_deadline_seconds'?: "deadline_seconds";
}
