// Original file: proto/gpusched/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface JobEvent {
  'at_ms'?: (number | string | Long);
  'kind'?: (string);
  'message'?: (string);
}

export interface JobEvent__Output {
  'at_ms': (number);
  'kind': (string);
  'message': (string);
}
