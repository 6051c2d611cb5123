// Original file: proto/gpusched/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface RuntimePrediction {
  'ms'?: (number | string | Long);
  'basis'?: (string);
  'samples'?: (number);
  '_samples'?: "samples";
}

export interface RuntimePrediction__Output {
  'ms': (number);
  'basis': (string);
  'samples'?: (number);
  '_samples'?: "samples";
}
