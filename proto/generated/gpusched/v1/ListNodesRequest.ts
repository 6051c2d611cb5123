// Original file: proto/gpusched/v1/scheduler.proto


export interface ListNodesRequest {
  'name'?: (string);
}

export interface ListNodesRequest__Output {
  'name': (string);
}
