// Original file: proto/gpusched/v1/scheduler.proto

import type { Job as _gpusched_v1_Job, Job__Output as _gpusched_v1_Job__Output } from '../../gpusched/v1/Job.ts';

export interface ListJobsResponse {
  'jobs'?: (_gpusched_v1_Job)[];
  'total'?: (number);
}

export interface ListJobsResponse__Output {
  'jobs': (_gpusched_v1_Job__Output)[];
  'total': (number);
}
