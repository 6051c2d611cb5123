// Original file: proto/gpusched/v1/scheduler.proto


export interface CheckpointJobRequest {
  'job_id'?: (string);
}

export interface CheckpointJobRequest__Output {
  'job_id': (string);
}
