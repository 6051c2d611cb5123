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
  'parent_id'?: (string);
  'mig_profile'?: (string);
  'ecc_enabled'?: (boolean);
  'power_limit_w'?: (number);
  'max_clock_mhz'?: (number);
  '_numa_node'?: "numa_node";
  '_nvlink_island'?: "nvlink_island";
  '_slowdown_c'?: "slowdown_c";
  '_ecc_enabled'?: "ecc_enabled";
  '_power_limit_w'?: "power_limit_w";
  '_max_clock_mhz'?: "max_clock_mhz";
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
  'parent_id': (string);
  'mig_profile': (string);
  'ecc_enabled'?: (boolean);
  'power_limit_w'?: (number);
  'max_clock_mhz'?: (number);
  '_numa_node'?: "numa_node";
  '_nvlink_island'?: "nvlink_island";
  '_slowdown_c'?: "slowdown_c";
  '_ecc_enabled'?: "ecc_enabled";
  '_power_limit_w'?: "power_limit_w";
  '_max_clock_mhz'?: "max_clock_mhz";
}
