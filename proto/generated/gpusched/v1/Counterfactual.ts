// Original file: proto/gpusched/v1/scheduler.proto

import type { FieldChange as _gpusched_v1_FieldChange, FieldChange__Output as _gpusched_v1_FieldChange__Output } from '../../gpusched/v1/FieldChange.ts';
import type { Long } from '@grpc/proto-loader';

export interface Counterfactual {
  'sentence'?: (string);
  'change'?: (_gpusched_v1_FieldChange)[];
  'starts_at_ms'?: (number | string | Long);
}

export interface Counterfactual__Output {
  'sentence': (string);
  'change': (_gpusched_v1_FieldChange__Output)[];
  'starts_at_ms': (number);
}
