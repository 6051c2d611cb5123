// Original file: proto/gpusched/v1/agent.proto

import type { ReadLog as _gpusched_v1_ReadLog, ReadLog__Output as _gpusched_v1_ReadLog__Output } from '../../gpusched/v1/ReadLog.ts';
import type { CancelLog as _gpusched_v1_CancelLog, CancelLog__Output as _gpusched_v1_CancelLog__Output } from '../../gpusched/v1/CancelLog.ts';
import type { LogCredit as _gpusched_v1_LogCredit, LogCredit__Output as _gpusched_v1_LogCredit__Output } from '../../gpusched/v1/LogCredit.ts';
import type { Long } from '@grpc/proto-loader';

export interface LogRequest {
  'request_id'?: (number | string | Long);
  'read'?: (_gpusched_v1_ReadLog | null);
  'cancel'?: (_gpusched_v1_CancelLog | null);
  'credit'?: (_gpusched_v1_LogCredit | null);
  'request'?: "read"|"cancel"|"credit";
}

export interface LogRequest__Output {
  'request_id': (number);
  'read'?: (_gpusched_v1_ReadLog__Output | null);
  'cancel'?: (_gpusched_v1_CancelLog__Output | null);
  'credit'?: (_gpusched_v1_LogCredit__Output | null);
  'request'?: "read"|"cancel"|"credit";
}
