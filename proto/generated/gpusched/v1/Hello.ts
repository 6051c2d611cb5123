// Original file: proto/gpusched/v1/agent.proto

import type { NodeInventory as _gpusched_v1_NodeInventory, NodeInventory__Output as _gpusched_v1_NodeInventory__Output } from '../../gpusched/v1/NodeInventory.ts';
import type { AllocationReport as _gpusched_v1_AllocationReport, AllocationReport__Output as _gpusched_v1_AllocationReport__Output } from '../../gpusched/v1/AllocationReport.ts';
import type { ExecutorHealth as _gpusched_v1_ExecutorHealth, ExecutorHealth__Output as _gpusched_v1_ExecutorHealth__Output } from '../../gpusched/v1/ExecutorHealth.ts';
import type { DeviceCondition as _gpusched_v1_DeviceCondition, DeviceCondition__Output as _gpusched_v1_DeviceCondition__Output } from '../../gpusched/v1/DeviceCondition.ts';
import type { Long } from '@grpc/proto-loader';

export interface Hello {
  'node_name'?: (string);
  'agent_id'?: (string);
  'boot_id'?: (string);
  'cluster_id'?: (string);
  'highest_term'?: (number | string | Long);
  'inventory'?: (_gpusched_v1_NodeInventory | null);
  'allocations'?: (_gpusched_v1_AllocationReport)[];
  'executor'?: (_gpusched_v1_ExecutorHealth | null);
  'highest_revision'?: (number | string | Long);
  'number'?: (number | string | Long);
  'membership_version'?: (number | string | Long);
  'conditions'?: (_gpusched_v1_DeviceCondition)[];
}

export interface Hello__Output {
  'node_name': (string);
  'agent_id': (string);
  'boot_id': (string);
  'cluster_id': (string);
  'highest_term': (number);
  'inventory': (_gpusched_v1_NodeInventory__Output | null);
  'allocations': (_gpusched_v1_AllocationReport__Output)[];
  'executor': (_gpusched_v1_ExecutorHealth__Output | null);
  'highest_revision': (number);
  'number': (number);
  'membership_version': (number);
  'conditions': (_gpusched_v1_DeviceCondition__Output)[];
}
