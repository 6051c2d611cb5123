// Original file: proto/gpusched/v1/types.proto


export interface Finding {
  'check'?: (string);
  'severity'?: (string);
  'message'?: (string);
  'cure'?: (string);
}

export interface Finding__Output {
  'check': (string);
  'severity': (string);
  'message': (string);
  'cure': (string);
}
