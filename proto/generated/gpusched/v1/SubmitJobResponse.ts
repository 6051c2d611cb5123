// Original file: proto/gpusched/v1/scheduler.proto


export interface SubmitJobResponse {
  'job_id'?: (string);
  'job_ids'?: (string)[];
}

export interface SubmitJobResponse__Output {
  'job_id': (string);
  'job_ids': (string)[];
}
