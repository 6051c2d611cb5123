// Original file: proto/gpusched/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface LogData {
  'request_id'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  'end'?: (boolean);
  'error'?: (string);
}

export interface LogData__Output {
  'request_id': (number);
  'data': (Buffer);
  'end': (boolean);
  'error': (string);
}
