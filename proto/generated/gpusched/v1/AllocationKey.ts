// Original file: proto/gpusched/v1/agent.proto


export interface AllocationKey {
  'job_id'?: (string);
  'attempt'?: (number);
  'rank'?: (number);
}

export interface AllocationKey__Output {
  'job_id': (string);
  'attempt': (number);
  'rank': (number);
}
