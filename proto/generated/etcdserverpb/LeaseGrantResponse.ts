// Original file: proto/etcd/etcdserver.proto

import type { Long } from '@grpc/proto-loader';

export interface LeaseGrantResponse {
  'ID'?: (number | string | Long);
  'TTL'?: (number | string | Long);
}

export interface LeaseGrantResponse__Output {
  'ID': (number);
  'TTL': (number);
}
