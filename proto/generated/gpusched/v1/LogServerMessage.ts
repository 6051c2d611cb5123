// Original file: proto/gpusched/v1/agent.proto

import type { LogServerHello as _gpusched_v1_LogServerHello, LogServerHello__Output as _gpusched_v1_LogServerHello__Output } from '../../gpusched/v1/LogServerHello.ts';
import type { LogData as _gpusched_v1_LogData, LogData__Output as _gpusched_v1_LogData__Output } from '../../gpusched/v1/LogData.ts';

export interface LogServerMessage {
  'hello'?: (_gpusched_v1_LogServerHello | null);
  'data'?: (_gpusched_v1_LogData | null);
  'message'?: "hello"|"data";
}

export interface LogServerMessage__Output {
  'hello'?: (_gpusched_v1_LogServerHello__Output | null);
  'data'?: (_gpusched_v1_LogData__Output | null);
  'message'?: "hello"|"data";
}
