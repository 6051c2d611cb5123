// Original file: proto/etcd/etcdserver.proto

import type { Long } from '@grpc/proto-loader';

export interface ResponseHeader {
  'revision'?: (number | string | Long);
}

export interface ResponseHeader__Output {
  'revision': (number);
}
