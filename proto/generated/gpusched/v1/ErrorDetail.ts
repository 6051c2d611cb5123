// Original file: proto/gpusched/v1/scheduler.proto

import type { FieldError as _gpusched_v1_FieldError, FieldError__Output as _gpusched_v1_FieldError__Output } from '../../gpusched/v1/FieldError.ts';

export interface ErrorDetail {
  'code'?: (string);
  'fields'?: (_gpusched_v1_FieldError)[];
}

export interface ErrorDetail__Output {
  'code': (string);
  'fields': (_gpusched_v1_FieldError__Output)[];
}
