// Original file: proto/gpusched/v1/agent.proto

import type { Launch as _gpusched_v1_Launch, Launch__Output as _gpusched_v1_Launch__Output } from '../../gpusched/v1/Launch.ts';
import type { Stop as _gpusched_v1_Stop, Stop__Output as _gpusched_v1_Stop__Output } from '../../gpusched/v1/Stop.ts';
import type { Release as _gpusched_v1_Release, Release__Output as _gpusched_v1_Release__Output } from '../../gpusched/v1/Release.ts';
import type { Long } from '@grpc/proto-loader';

export interface Command {
  'term'?: (number | string | Long);
  'launch'?: (_gpusched_v1_Launch | null);
  'stop'?: (_gpusched_v1_Stop | null);
  'release'?: (_gpusched_v1_Release | null);
  'command'?: "launch"|"stop"|"release";
}

export interface Command__Output {
  'term': (number);
  'launch'?: (_gpusched_v1_Launch__Output | null);
  'stop'?: (_gpusched_v1_Stop__Output | null);
  'release'?: (_gpusched_v1_Release__Output | null);
  'command'?: "launch"|"stop"|"release";
}
