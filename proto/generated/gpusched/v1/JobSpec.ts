// Original file: proto/gpusched/v1/types.proto


export interface JobSpec {
  'tenant_id'?: (string);
  'name'?: (string);
  'priority'?: (number);
  'gpu_count'?: (number);
  'gpu_memory_mb'?: (number);
  'gpu_model'?: (string);
  'cpu_cores'?: (number);
  'memory_mb'?: (number);
  'image'?: (string);
  'command'?: (string)[];
  'args'?: (string)[];
  'script'?: (string);
  'environment'?: ({[key: string]: string});
  'gang_scheduling'?: (boolean);
  'gpus_per_node'?: (number);
  'max_runtime_minutes'?: (number);
  'max_retries'?: (number);
  'preemption_grace_seconds'?: (number);
  'on_node_lost'?: (string);
  'on_preempt'?: (string);
  'labels'?: ({[key: string]: string});
  'node_selector'?: ({[key: string]: string});
  '_priority'?: "priority";
  '_gpu_count'?: "gpu_count";
  '_gpu_memory_mb'?: "gpu_memory_mb";
  '_gpu_model'?: "gpu_model";
  '_cpu_cores'?: "cpu_cores";
  '_memory_mb'?: "memory_mb";
  '_image'?: "image";
  '_script'?: "script";
  '_gang_scheduling'?: "gang_scheduling";
  '_gpus_per_node'?: "gpus_per_node";
  '_max_runtime_minutes'?: "max_runtime_minutes";
  '_max_retries'?: "max_retries";
  '_preemption_grace_seconds'?: "preemption_grace_seconds";
  '_on_node_lost'?: "on_node_lost";
  '_on_preempt'?: "on_preempt";
}

export interface JobSpec__Output {
  'tenant_id': (string);
  'name': (string);
  'priority'?: (number);
  'gpu_count'?: (number);
  'gpu_memory_mb'?: (number);
  'gpu_model'?: (string);
  'cpu_cores'?: (number);
  'memory_mb'?: (number);
  'image'?: (string);
  'command': (string)[];
  'args': (string)[];
  'script'?: (string);
  'environment': ({[key: string]: string});
  'gang_scheduling'?: (boolean);
  'gpus_per_node'?: (number);
  'max_runtime_minutes'?: (number);
  'max_retries'?: (number);
  'preemption_grace_seconds'?: (number);
  'on_node_lost'?: (string);
  'on_preempt'?: (string);
  'labels': ({[key: string]: string});
  'node_selector': ({[key: string]: string});
  '_priority'?: "priority";
  '_gpu_count'?: "gpu_count";
  '_gpu_memory_mb'?: "gpu_memory_mb";
  '_gpu_model'?: "gpu_model";
  '_cpu_cores'?: "cpu_cores";
  '_memory_mb'?: "memory_mb";
  '_image'?: "image";
  '_script'?: "script";
  '_gang_scheduling'?: "gang_scheduling";
  '_gpus_per_node'?: "gpus_per_node";
  '_max_runtime_minutes'?: "max_runtime_minutes";
  '_max_retries'?: "max_retries";
  '_preemption_grace_seconds'?: "preemption_grace_seconds";
  '_on_node_lost'?: "on_node_lost";
  '_on_preempt'?: "on_preempt";
}
