// Original file: proto/gpusched/v1/scheduler.proto


export interface FieldError {
  'field'?: (string);
  'message'?: (string);
}

export interface FieldError__Output {
  'field': (string);
  'message': (string);
}
