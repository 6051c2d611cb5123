// Original file: proto/gpusched/v1/types.proto


export interface Device {
  'id'?: (string);
  'model'?: (string);
  'memory_mb'?: (number);
  'index'?: (number);
  'pci_bus_id'?: (string);
  'numa_node'?: (number);
  'nvlink_island'?: (number);
  'slowdown_c'?: (number);
  '_numa_node'?: "numa_node";
  '_nvlink_island'?: "nvlink_island";
  '_slowdown_c'?: "slowdown_c";
}

export interface Device__Output {
  'id': (string);
  'model': (string);
  'memory_mb': (number);
  'index': (number);
  'pci_bus_id': (string);
  'numa_node'?: (number);
  'nvlink_island'?: (number);
  'slowdown_c'?: (number);
  '_numa_node'?: "numa_node";
  '_nvlink_island'?: "nvlink_island";
  '_slowdown_c'?: "slowdown_c";
}
