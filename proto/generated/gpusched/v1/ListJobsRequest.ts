// Original file: proto/gpusched/v1/scheduler.proto

import type { JobState as _gpusched_v1_JobState, JobState__Output as _gpusched_v1_JobState__Output } from '../../gpusched/v1/JobState.ts';

export interface ListJobsRequest {
  'tenant_id'?: (string);
  'states'?: (_gpusched_v1_JobState)[];
  'name'?: (string);
  'node_name'?: (string);
  'labels'?: ({[key: string]: string});
  'limit'?: (number);
  'offset'?: (number);
  'array_id'?: (string);
}

export interface ListJobsRequest__Output {
  'tenant_id': (string);
  'states': (_gpusched_v1_JobState__Output)[];
  'name': (string);
  'node_name': (string);
  'labels': ({[key: string]: string});
  'limit': (number);
  'offset': (number);
  'array_id': (string);
}
