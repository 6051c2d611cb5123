// Original file: proto/gpusched/v1/scheduler.proto


export interface ExplainJobRequest {
  'job_id'?: (string);
}

export interface ExplainJobRequest__Output {
  'job_id': (string);
}
