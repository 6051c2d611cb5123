// Original file: proto/gpusched/v1/scheduler.proto

import type { ErrorDetail as _gpusched_v1_ErrorDetail, ErrorDetail__Output as _gpusched_v1_ErrorDetail__Output } from '../../gpusched/v1/ErrorDetail.ts';

export interface SubmitRefusal {
  'message'?: (string);
  'detail'?: (_gpusched_v1_ErrorDetail | null);
}

export interface SubmitRefusal__Output {
  'message': (string);
  'detail': (_gpusched_v1_ErrorDetail__Output | null);
}
