// Original file: proto/gpusched/v1/types.proto


export interface DeviceLink {
  'a'?: (string);
  'b'?: (string);
  'kind'?: (string);
  'lanes'?: (number);
}

export interface DeviceLink__Output {
  'a': (string);
  'b': (string);
  'kind': (string);
  'lanes': (number);
}
