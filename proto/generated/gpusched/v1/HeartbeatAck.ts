// Original file: proto/gpusched/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatAck {
  'sequence'?: (number | string | Long);
  'revision'?: (number | string | Long);
  'sent_at_ms'?: (number | string | Long);
}

export interface HeartbeatAck__Output {
  'sequence': (number);
  'revision': (number);
  'sent_at_ms': (number);
}
