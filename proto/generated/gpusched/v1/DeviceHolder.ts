// Original file: proto/gpusched/v1/types.proto


export interface DeviceHolder {
  'gpu_id'?: (string);
  'job_id'?: (string);
  'attempt'?: (number);
  'milli'?: (number);
}

export interface DeviceHolder__Output {
  'gpu_id': (string);
  'job_id': (string);
  'attempt': (number);
  'milli': (number);
}
