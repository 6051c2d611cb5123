// Original file: proto/gpusched/v1/peer.proto

import type { Long } from '@grpc/proto-loader';

export interface PeerAnswer {
  'node_name'?: (string);
  'silent_ms'?: (number | string | Long);
  'term'?: (number | string | Long);
  'leader_address'?: (string);
}

export interface PeerAnswer__Output {
  'node_name': (string);
  'silent_ms': (number);
  'term': (number);
  'leader_address': (string);
}
