// Original file: proto/gpusched/v1/agent.proto


export interface LogServerHello {
  'node_name'?: (string);
  'agent_id'?: (string);
}

export interface LogServerHello__Output {
  'node_name': (string);
  'agent_id': (string);
}
