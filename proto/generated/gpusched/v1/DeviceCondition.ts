// Original file: proto/gpusched/v1/types.proto

import type { DeviceHealth as _gpusched_v1_DeviceHealth, DeviceHealth__Output as _gpusched_v1_DeviceHealth__Output } from '../../gpusched/v1/DeviceHealth.ts';
import type { DeviceUse as _gpusched_v1_DeviceUse, DeviceUse__Output as _gpusched_v1_DeviceUse__Output } from '../../gpusched/v1/DeviceUse.ts';
import type { Long } from '@grpc/proto-loader';

export interface DeviceCondition {
  'id'?: (string);
  'health'?: (_gpusched_v1_DeviceHealth);
  'owner'?: (string);
  'reason'?: (string);
  'way_back'?: (string);
  'since_ms'?: (number | string | Long);
  'use'?: (_gpusched_v1_DeviceUse);
  'use_reason'?: (string);
  'withheld'?: (string);
}

export interface DeviceCondition__Output {
  'id': (string);
  'health': (_gpusched_v1_DeviceHealth__Output);
  'owner': (string);
  'reason': (string);
  'way_back': (string);
  'since_ms': (number);
  'use': (_gpusched_v1_DeviceUse__Output);
  'use_reason': (string);
  'withheld': (string);
}
