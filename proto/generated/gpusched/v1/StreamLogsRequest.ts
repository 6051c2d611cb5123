// Original file: proto/gpusched/v1/scheduler.proto

import type { LogStream as _gpusched_v1_LogStream, LogStream__Output as _gpusched_v1_LogStream__Output } from '../../gpusched/v1/LogStream.ts';

export interface StreamLogsRequest {
  'job_id'?: (string);
  'follow'?: (boolean);
  'tail_lines'?: (number);
  'rank'?: (number);
  'stream'?: (_gpusched_v1_LogStream);
  '_tail_lines'?: "tail_lines";
}

export interface StreamLogsRequest__Output {
  'job_id': (string);
  'follow': (boolean);
  'tail_lines'?: (number);
  'rank': (number);
  'stream': (_gpusched_v1_LogStream__Output);
  '_tail_lines'?: "tail_lines";
}
