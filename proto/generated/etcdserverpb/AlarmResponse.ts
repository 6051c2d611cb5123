// Original file: proto/etcd/etcdserver.proto

import type { AlarmMember as _etcdserverpb_AlarmMember, AlarmMember__Output as _etcdserverpb_AlarmMember__Output } from '../etcdserverpb/AlarmMember.ts';

export interface AlarmResponse {
  'alarms'?: (_etcdserverpb_AlarmMember)[];
}

export interface AlarmResponse__Output {
  'alarms': (_etcdserverpb_AlarmMember__Output)[];
}
