// Original file: proto/gpusched/v1/scheduler.proto


export interface FieldChange {
  'field'?: (string);
  'number'?: (number | string);
  'text'?: (string);
  'flag'?: (boolean);
  'value'?: "number"|"text"|"flag";
}

export interface FieldChange__Output {
  'field': (string);
  'number'?: (number);
  'text'?: (string);
  'flag'?: (boolean);
  'value'?: "number"|"text"|"flag";
}
