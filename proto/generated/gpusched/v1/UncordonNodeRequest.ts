// Original file: proto/gpusched/v1/scheduler.proto


export interface UncordonNodeRequest {
  'node_name'?: (string);
}

export interface UncordonNodeRequest__Output {
  'node_name': (string);
}
