// Original file: proto/gpusched/v1/agent.proto


export interface Rejection {
  'reason'?: (string);
  'permanent'?: (boolean);
}

export interface Rejection__Output {
  'reason': (string);
  'permanent': (boolean);
}
