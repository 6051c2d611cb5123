// Original file: proto/etcd/etcdserver.proto

import type { AlarmType as _etcdserverpb_AlarmType, AlarmType__Output as _etcdserverpb_AlarmType__Output } from '../etcdserverpb/AlarmType.ts';

export interface AlarmMember {
  'alarm'?: (_etcdserverpb_AlarmType);
}

export interface AlarmMember__Output {
  'alarm': (_etcdserverpb_AlarmType__Output);
}
