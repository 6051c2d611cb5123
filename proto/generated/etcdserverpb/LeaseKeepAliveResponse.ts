// Original file: proto/etcd/etcdserver.proto

import type { Long } from '@grpc/proto-loader';

export interface LeaseKeepAliveResponse {
  'ID'?: (number | string | Long);
  'TTL'?: (number | string | Long);
}

export interface LeaseKeepAliveResponse__Output {
  'ID': (number);
  'TTL': (number);
}
