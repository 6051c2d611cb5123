// Original file: proto/gpusched/v1/types.proto


export interface Device {
  'id'?: (string);
  'model'?: (string);
  'memory_mb'?: (number);
  'index'?: (number);
  'pci_bus_id'?: (string);
  'numa_node'?: (number);
  '_numa_node'?: "numa_node";
}

export interface Device__Output {
  'id': (string);
  'model': (string);
  'memory_mb': (number);
  'index': (number);
  'pci_bus_id': (string);
  'numa_node'?: (number);
  '_numa_node'?: "numa_node";
}
