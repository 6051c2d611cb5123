// Original file: proto/gpusched/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface ConfirmedDead {
  'at_ms'?: (number | string | Long);
  'by'?: (string);
  'reason'?: (string);
}

export interface ConfirmedDead__Output {
  'at_ms': (number);
  'by': (string);
  'reason': (string);
}
