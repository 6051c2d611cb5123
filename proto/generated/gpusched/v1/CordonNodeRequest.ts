// Original file: proto/gpusched/v1/scheduler.proto


export interface CordonNodeRequest {
  'node_name'?: (string);
  'by'?: (string);
  'reason'?: (string);
}

export interface CordonNodeRequest__Output {
  'node_name': (string);
  'by': (string);
  'reason': (string);
}
