// Original file: proto/gpusched/v1/scheduler.proto


export interface NodeAnswer {
  'node_name'?: (string);
  'answer'?: (string);
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

export interface NodeAnswer__Output {
  'node_name': (string);
  'answer': (string);
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
