// Original file: proto/gpusched/v1/agent.proto

import type { Member as _gpusched_v1_Member, Member__Output as _gpusched_v1_Member__Output } from '../../gpusched/v1/Member.ts';
import type { Long } from '@grpc/proto-loader';

export interface Membership {
  'version'?: (number | string | Long);
  'members'?: (_gpusched_v1_Member)[];
  'hearing_ms'?: (number | string | Long);
  'vouch_ms'?: (number | string | Long);
  'stop_ms'?: (number | string | Long);
}

export interface Membership__Output {
  'version': (number);
  'members': (_gpusched_v1_Member__Output)[];
  'hearing_ms': (number);
  'vouch_ms': (number);
  'stop_ms': (number);
}
