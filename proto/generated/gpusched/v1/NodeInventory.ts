// Original file: proto/gpusched/v1/types.proto

import type { Device as _gpusched_v1_Device, Device__Output as _gpusched_v1_Device__Output } from '../../gpusched/v1/Device.ts';

export interface NodeInventory {
  'devices'?: (_gpusched_v1_Device)[];
  'cpu_cores'?: (number);
  'memory_mb'?: (number);
  'labels'?: ({[key: string]: string});
  'executor'?: (string);
  'device_source'?: (string);
  'device_source_reason'?: (string);
  'driver_version'?: (string);
  'agent_version'?: (string);
  'address'?: (string);
  'gpu_grant'?: (string);
  'gpu_grant_reason'?: (string);
  'allows_sharing'?: (boolean);
  'gpu_sharing'?: (string);
  'peer_address'?: (string);
}

export interface NodeInventory__Output {
  'devices': (_gpusched_v1_Device__Output)[];
  'cpu_cores': (number);
  'memory_mb': (number);
  'labels': ({[key: string]: string});
  'executor': (string);
  'device_source': (string);
  'device_source_reason': (string);
  'driver_version': (string);
  'agent_version': (string);
  'address': (string);
  'gpu_grant': (string);
  'gpu_grant_reason': (string);
  'allows_sharing': (boolean);
  'gpu_sharing': (string);
  'peer_address': (string);
}
