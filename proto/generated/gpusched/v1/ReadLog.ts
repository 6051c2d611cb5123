// Original file: proto/gpusched/v1/agent.proto

import type { AllocationKey as _gpusched_v1_AllocationKey, AllocationKey__Output as _gpusched_v1_AllocationKey__Output } from '../../gpusched/v1/AllocationKey.ts';
import type { LogStream as _gpusched_v1_LogStream, LogStream__Output as _gpusched_v1_LogStream__Output } from '../../gpusched/v1/LogStream.ts';

export interface ReadLog {
  'key'?: (_gpusched_v1_AllocationKey | null);
  'follow'?: (boolean);
  'tail_lines'?: (number);
  'stream'?: (_gpusched_v1_LogStream);
  '_tail_lines'?: "tail_lines";
}

export interface ReadLog__Output {
  'key': (_gpusched_v1_AllocationKey__Output | null);
  'follow': (boolean);
  'tail_lines'?: (number);
  'stream': (_gpusched_v1_LogStream__Output);
  '_tail_lines'?: "tail_lines";
}
