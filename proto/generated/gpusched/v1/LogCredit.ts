// Original file: proto/gpusched/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface LogCredit {
  'bytes'?: (number | string | Long);
}

export interface LogCredit__Output {
  'bytes': (number);
}
