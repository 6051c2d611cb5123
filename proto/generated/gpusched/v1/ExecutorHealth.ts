// Original file: proto/gpusched/v1/agent.proto


export interface ExecutorHealth {
  'ready'?: (boolean);
  'message'?: (string);
}

export interface ExecutorHealth__Output {
  'ready': (boolean);
  'message': (string);
}
