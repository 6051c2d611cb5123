// Original file: proto/gpusched/v1/scheduler.proto

import type { Long } from '@grpc/proto-loader';

export interface Blocker {
  'kind'?: (string);
  'message'?: (string);
  'resource'?: (string);
  'limit'?: (number | string);
  'used'?: (number | string);
  'wanted'?: (number | string);
  'missing'?: (number | string);
  'until_ms'?: (number | string | Long);
  'job_ids'?: (string)[];
  '_limit'?: "limit";
  '_used'?: "used";
  '_wanted'?: "wanted";
  '_missing'?: "missing";
  '_until_ms'?: "until_ms";
}

export interface Blocker__Output {
  'kind': (string);
  'message': (string);
  'resource': (string);
  'limit'?: (number);
  'used'?: (number);
  'wanted'?: (number);
  'missing'?: (number);
  'until_ms'?: (number);
  'job_ids': (string)[];
  '_limit'?: "limit";
  '_used'?: "used";
  '_wanted'?: "wanted";
  '_missing'?: "missing";
  '_until_ms'?: "until_ms";
}
