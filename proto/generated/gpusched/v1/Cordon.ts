// Original file: proto/gpusched/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface Cordon {
  'at_ms'?: (number | string | Long);
  'by'?: (string);
  'reason'?: (string);
  'drain_until_ms'?: (number | string | Long);
  '_drain_until_ms'?: "drain_until_ms";
}

export interface Cordon__Output {
  'at_ms': (number);
  'by': (string);
  'reason': (string);
  'drain_until_ms'?: (number);
  '_drain_until_ms'?: "drain_until_ms";
}
