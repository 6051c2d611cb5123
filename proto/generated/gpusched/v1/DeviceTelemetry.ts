// Original file: proto/gpusched/v1/types.proto


export interface DeviceTelemetry {
  'id'?: (string);
  'utilization_percent'?: (number);
  'memory_used_mb'?: (number);
  'temperature_c'?: (number);
  'power_w'?: (number | string);
  'throttling'?: (boolean);
  '_utilization_percent'?: "utilization_percent";
  '_memory_used_mb'?: "memory_used_mb";
  '_temperature_c'?: "temperature_c";
  '_power_w'?: "power_w";
}

export interface DeviceTelemetry__Output {
  'id': (string);
  'utilization_percent'?: (number);
  'memory_used_mb'?: (number);
  'temperature_c'?: (number);
  'power_w'?: (number);
  'throttling': (boolean);
  '_utilization_percent'?: "utilization_percent";
  '_memory_used_mb'?: "memory_used_mb";
  '_temperature_c'?: "temperature_c";
  '_power_w'?: "power_w";
}
