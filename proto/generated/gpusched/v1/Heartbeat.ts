// Original file: proto/gpusched/v1/agent.proto

import type { DeviceTelemetry as _gpusched_v1_DeviceTelemetry, DeviceTelemetry__Output as _gpusched_v1_DeviceTelemetry__Output } from '../../gpusched/v1/DeviceTelemetry.ts';
import type { ExecutorHealth as _gpusched_v1_ExecutorHealth, ExecutorHealth__Output as _gpusched_v1_ExecutorHealth__Output } from '../../gpusched/v1/ExecutorHealth.ts';
import type { NodeInventory as _gpusched_v1_NodeInventory, NodeInventory__Output as _gpusched_v1_NodeInventory__Output } from '../../gpusched/v1/NodeInventory.ts';
import type { DeviceCondition as _gpusched_v1_DeviceCondition, DeviceCondition__Output as _gpusched_v1_DeviceCondition__Output } from '../../gpusched/v1/DeviceCondition.ts';
import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'sequence'?: (number | string | Long);
  'telemetry'?: (_gpusched_v1_DeviceTelemetry)[];
  'executor'?: (_gpusched_v1_ExecutorHealth | null);
  'inventory'?: (_gpusched_v1_NodeInventory | null);
  'echo_ms'?: (number | string | Long);
  'membership_version'?: (number | string | Long);
  'reaches_peers'?: (boolean);
  'conditions'?: (_gpusched_v1_DeviceCondition)[];
  '_reaches_peers'?: "reaches_peers";
}

export interface Heartbeat__Output {
  'sequence': (number);
  'telemetry': (_gpusched_v1_DeviceTelemetry__Output)[];
  'executor': (_gpusched_v1_ExecutorHealth__Output | null);
  'inventory': (_gpusched_v1_NodeInventory__Output | null);
  'echo_ms': (number);
  'membership_version': (number);
  'reaches_peers'?: (boolean);
  'conditions': (_gpusched_v1_DeviceCondition__Output)[];
  '_reaches_peers'?: "reaches_peers";
}
