// Original file: proto/gpusched/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface DeviceTelemetry {
  'id'?: (string);
  'utilization_percent'?: (number);
  'memory_used_mb'?: (number);
  'temperature_c'?: (number);
  'power_w'?: (number | string);
  'throttling'?: (boolean);
  'memory_utilization_percent'?: (number);
  'clock_mhz'?: (number);
  'memory_clock_mhz'?: (number);
  'energy_j'?: (number | string);
  'slowdown_margin_c'?: (number);
  'ecc_corrected'?: (number | string | Long);
  'ecc_uncorrected'?: (number | string | Long);
  '_utilization_percent'?: "utilization_percent";
  '_memory_used_mb'?: "memory_used_mb";
  '_temperature_c'?: "temperature_c";
  '_power_w'?: "power_w";
  '_memory_utilization_percent'?: "memory_utilization_percent";
  '_clock_mhz'?: "clock_mhz";
  '_memory_clock_mhz'?: "memory_clock_mhz";
  '_energy_j'?: "energy_j";
  '_slowdown_margin_c'?: "slowdown_margin_c";
  '_ecc_corrected'?: "ecc_corrected";
  '_ecc_uncorrected'?: "ecc_uncorrected";
}

export interface DeviceTelemetry__Output {
  'id': (string);
  'utilization_percent'?: (number);
  'memory_used_mb'?: (number);
  'temperature_c'?: (number);
  'power_w'?: (number);
  'throttling': (boolean);
  'memory_utilization_percent'?: (number);
  'clock_mhz'?: (number);
  'memory_clock_mhz'?: (number);
  'energy_j'?: (number);
  'slowdown_margin_c'?: (number);
  'ecc_corrected'?: (number);
  'ecc_uncorrected'?: (number);
  '_utilization_percent'?: "utilization_percent";
  '_memory_used_mb'?: "memory_used_mb";
  '_temperature_c'?: "temperature_c";
  '_power_w'?: "power_w";
  '_memory_utilization_percent'?: "memory_utilization_percent";
  '_clock_mhz'?: "clock_mhz";
  '_memory_clock_mhz'?: "memory_clock_mhz";
  '_energy_j'?: "energy_j";
  '_slowdown_margin_c'?: "slowdown_margin_c";
  '_ecc_corrected'?: "ecc_corrected";
  '_ecc_uncorrected'?: "ecc_uncorrected";
}
