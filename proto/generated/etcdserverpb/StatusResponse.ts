// Original file: proto/etcd/etcdserver.proto

import type { Long } from '@grpc/proto-loader';

export interface StatusResponse {
  'version'?: (string);
  'dbSize'?: (number | string | Long);
  'dbSizeInUse'?: (number | string | Long);
}

export interface StatusResponse__Output {
  'version': (string);
  'dbSize': (number);
  'dbSizeInUse': (number);
}
