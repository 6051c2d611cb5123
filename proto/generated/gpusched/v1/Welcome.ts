// Original file: proto/gpusched/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Welcome {
  'cluster_id'?: (string);
  'term'?: (number | string | Long);
  'lease_ms'?: (number | string | Long);
  'revision'?: (number | string | Long);
  'sent_at_ms'?: (number | string | Long);
  'hearing_ms'?: (number | string | Long);
}

export interface Welcome__Output {
  'cluster_id': (string);
  'term': (number);
  'lease_ms': (number);
  'revision': (number);
  'sent_at_ms': (number);
  'hearing_ms': (number);
}
