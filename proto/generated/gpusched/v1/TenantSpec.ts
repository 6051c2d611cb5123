// Original file: proto/gpusched/v1/types.proto

import type { PriorityTier as _gpusched_v1_PriorityTier, PriorityTier__Output as _gpusched_v1_PriorityTier__Output } from '../../gpusched/v1/PriorityTier.ts';
import type { Long } from '@grpc/proto-loader';

export interface TenantSpec {
  'name'?: (string);
  'email'?: (string);
  'organization'?: (string);
  'max_gpus'?: (number);
  'max_gpu_memory_mb'?: (number | string | Long);
  'max_cpu_cores'?: (number);
  'max_memory_mb'?: (number | string | Long);
  'max_concurrent_jobs'?: (number);
  'max_queued_jobs'?: (number);
  'priority_tier'?: (_gpusched_v1_PriorityTier);
  'allow_preemption'?: (boolean);
  'can_preempt_others'?: (boolean);
  'fair_share_weight'?: (number | string);
  'gpu_hours_budget'?: (number | string);
  'budget_window_days'?: (number);
  'min_gpu_utilization'?: (number);
  'gpu_idle_window_minutes'?: (number);
  '_email'?: "email";
  '_organization'?: "organization";
  '_max_gpus'?: "max_gpus";
  '_max_gpu_memory_mb'?: "max_gpu_memory_mb";
  '_max_cpu_cores'?: "max_cpu_cores";
  '_max_memory_mb'?: "max_memory_mb";
  '_max_concurrent_jobs'?: "max_concurrent_jobs";
  '_max_queued_jobs'?: "max_queued_jobs";
  '_priority_tier'?: "priority_tier";
  '_allow_preemption'?: "allow_preemption";
  '_can_preempt_others'?: "can_preempt_others";
  '_fair_share_weight'?: "fair_share_weight";
  '_gpu_hours_budget'?: "gpu_hours_budget";
  '_budget_window_days'?: "budget_window_days";
  '_min_gpu_utilization'?: "min_gpu_utilization";
  '_gpu_idle_window_minutes'?: "gpu_idle_window_minutes";
}

export interface TenantSpec__Output {
  'name': (string);
  'email'?: (string);
  'organization'?: (string);
  'max_gpus'?: (number);
  'max_gpu_memory_mb'?: (number);
  'max_cpu_cores'?: (number);
  'max_memory_mb'?: (number);
  'max_concurrent_jobs'?: (number);
  'max_queued_jobs'?: (number);
  'priority_tier'?: (_gpusched_v1_PriorityTier__Output);
  'allow_preemption'?: (boolean);
  'can_preempt_others'?: (boolean);
  'fair_share_weight'?: (number);
  'gpu_hours_budget'?: (number);
  'budget_window_days'?: (number);
  'min_gpu_utilization'?: (number);
  'gpu_idle_window_minutes'?: (number);
  '_email'?: "email";
  '_organization'?: "organization";
  '_max_gpus'?: "max_gpus";
  '_max_gpu_memory_mb'?: "max_gpu_memory_mb";
  '_max_cpu_cores'?: "max_cpu_cores";
  '_max_memory_mb'?: "max_memory_mb";
  '_max_concurrent_jobs'?: "max_concurrent_jobs";
  '_max_queued_jobs'?: "max_queued_jobs";
  '_priority_tier'?: "priority_tier";
  '_allow_preemption'?: "allow_preemption";
  '_can_preempt_others'?: "can_preempt_others";
  '_fair_share_weight'?: "fair_share_weight";
  '_gpu_hours_budget'?: "gpu_hours_budget";
  '_budget_window_days'?: "budget_window_days";
  '_min_gpu_utilization'?: "min_gpu_utilization";
  '_gpu_idle_window_minutes'?: "gpu_idle_window_minutes";
}
