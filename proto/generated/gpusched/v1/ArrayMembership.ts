// Original file: proto/gpusched/v1/types.proto


export interface ArrayMembership {
  'id'?: (string);
  'index'?: (number);
}

export interface ArrayMembership__Output {
  'id': (string);
  'index': (number);
}
