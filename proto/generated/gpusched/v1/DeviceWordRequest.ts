// Original file: proto/gpusched/v1/scheduler.proto


export interface DeviceWordRequest {
  'node_name'?: (string);
  'device_id'?: (string);
  'by'?: (string);
  'reason'?: (string);
}

export interface DeviceWordRequest__Output {
  'node_name': (string);
  'device_id': (string);
  'by': (string);
  'reason': (string);
}
