// Original file: proto/gpusched/v1/types.proto

import type { NodeState as _gpusched_v1_NodeState, NodeState__Output as _gpusched_v1_NodeState__Output } from '../../gpusched/v1/NodeState.ts';
import type { NodeInventory as _gpusched_v1_NodeInventory, NodeInventory__Output as _gpusched_v1_NodeInventory__Output } from '../../gpusched/v1/NodeInventory.ts';
import type { DeviceTelemetry as _gpusched_v1_DeviceTelemetry, DeviceTelemetry__Output as _gpusched_v1_DeviceTelemetry__Output } from '../../gpusched/v1/DeviceTelemetry.ts';
import type { DeviceHolder as _gpusched_v1_DeviceHolder, DeviceHolder__Output as _gpusched_v1_DeviceHolder__Output } from '../../gpusched/v1/DeviceHolder.ts';
import type { ConfirmedDead as _gpusched_v1_ConfirmedDead, ConfirmedDead__Output as _gpusched_v1_ConfirmedDead__Output } from '../../gpusched/v1/ConfirmedDead.ts';
import type { Cordon as _gpusched_v1_Cordon, Cordon__Output as _gpusched_v1_Cordon__Output } from '../../gpusched/v1/Cordon.ts';
import type { DeviceCondition as _gpusched_v1_DeviceCondition, DeviceCondition__Output as _gpusched_v1_DeviceCondition__Output } from '../../gpusched/v1/DeviceCondition.ts';
import type { Long } from '@grpc/proto-loader';

export interface Node {
  'name'?: (string);
  'state'?: (_gpusched_v1_NodeState);
  'cordoned'?: (boolean);
  'message'?: (string);
  'inventory'?: (_gpusched_v1_NodeInventory | null);
  'telemetry'?: (_gpusched_v1_DeviceTelemetry)[];
  'holders'?: (_gpusched_v1_DeviceHolder)[];
  'cpu_cores_used'?: (number);
  'memory_mb_used'?: (number);
  'last_heard_at_ms'?: (number | string | Long);
  'registered_at_ms'?: (number | string | Long);
  'confirmed_dead'?: (_gpusched_v1_ConfirmedDead | null);
  'cordon'?: (_gpusched_v1_Cordon | null);
  'lives_by'?: (string);
  'lives_by_reason'?: (string);
  'conditions'?: (_gpusched_v1_DeviceCondition)[];
  '_last_heard_at_ms'?: "last_heard_at_ms";
}

export interface Node__Output {
  'name': (string);
  'state': (_gpusched_v1_NodeState__Output);
  'cordoned': (boolean);
  'message': (string);
  'inventory': (_gpusched_v1_NodeInventory__Output | null);
  'telemetry': (_gpusched_v1_DeviceTelemetry__Output)[];
  'holders': (_gpusched_v1_DeviceHolder__Output)[];
  'cpu_cores_used': (number);
  'memory_mb_used': (number);
  'last_heard_at_ms'?: (number);
  'registered_at_ms': (number);
  'confirmed_dead': (_gpusched_v1_ConfirmedDead__Output | null);
  'cordon': (_gpusched_v1_Cordon__Output | null);
  'lives_by': (string);
  'lives_by_reason': (string);
  'conditions': (_gpusched_v1_DeviceCondition__Output)[];
  '_last_heard_at_ms'?: "last_heard_at_ms";
}
