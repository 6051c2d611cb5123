// Original file: proto/gpusched/v1/types.proto

import type { Device as _gpusched_v1_Device, Device__Output as _gpusched_v1_Device__Output } from '../../gpusched/v1/Device.ts';
import type { DeviceLink as _gpusched_v1_DeviceLink, DeviceLink__Output as _gpusched_v1_DeviceLink__Output } from '../../gpusched/v1/DeviceLink.ts';
import type { Finding as _gpusched_v1_Finding, Finding__Output as _gpusched_v1_Finding__Output } from '../../gpusched/v1/Finding.ts';

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
  'cuda_version'?: (string);
  'links'?: (_gpusched_v1_DeviceLink)[];
  'findings'?: (_gpusched_v1_Finding)[];
  'volume_prefixes'?: (string)[];
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
  'cuda_version': (string);
  'links': (_gpusched_v1_DeviceLink__Output)[];
  'findings': (_gpusched_v1_Finding__Output)[];
  'volume_prefixes': (string)[];
}
