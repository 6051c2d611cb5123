// Original file: proto/gpusched/v1/scheduler.proto


export interface NodeProblem {
  'reason'?: (string);
  'message'?: (string);
  'resource'?: (string);
  'has'?: (number | string);
  'wanted'?: (number | string);
  'missing'?: (number | string);
  '_has'?: "has";
  '_wanted'?: "wanted";
  '_missing'?: "missing";
}

export interface NodeProblem__Output {
  'reason': (string);
  'message': (string);
  'resource': (string);
  'has'?: (number);
  'wanted'?: (number);
  'missing'?: (number);
  '_has'?: "has";
  '_wanted'?: "wanted";
  '_missing'?: "missing";
}
