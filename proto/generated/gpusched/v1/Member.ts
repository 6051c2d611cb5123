// Original file: proto/gpusched/v1/agent.proto


export interface Member {
  'node_name'?: (string);
  'address'?: (string);
}

export interface Member__Output {
  'node_name': (string);
  'address': (string);
}
