// Original file: proto/gpusched/v1/scheduler.proto


export interface ConfirmNodeDeadRequest {
  'node_name'?: (string);
  'by'?: (string);
  'reason'?: (string);
}

export interface ConfirmNodeDeadRequest__Output {
  'node_name': (string);
  'by': (string);
  'reason': (string);
}
