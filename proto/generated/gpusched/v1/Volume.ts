// Original file: proto/gpusched/v1/types.proto


export interface Volume {
  'source'?: (string);
  'target'?: (string);
  'read_only'?: (boolean);
  '_read_only'?: "read_only";
}

export interface Volume__Output {
  'source': (string);
  'target': (string);
  'read_only'?: (boolean);
  '_read_only'?: "read_only";
}
