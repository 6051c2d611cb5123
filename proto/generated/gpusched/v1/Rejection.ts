// Original file: proto/gpusched/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Rejection {
  'reason'?: (string);
  'permanent'?: (boolean);
  'highest_hello'?: (number | string | Long);
}

export interface Rejection__Output {
  'reason': (string);
  'permanent': (boolean);
  'highest_hello': (number);
}
