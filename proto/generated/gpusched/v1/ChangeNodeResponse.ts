// Original file: proto/gpusched/v1/scheduler.proto

import type { Node as _gpusched_v1_Node, Node__Output as _gpusched_v1_Node__Output } from '../../gpusched/v1/Node.ts';

export interface ChangeNodeResponse {
  'node'?: (_gpusched_v1_Node | null);
  'job_ids'?: (string)[];
}

export interface ChangeNodeResponse__Output {
  'node': (_gpusched_v1_Node__Output | null);
  'job_ids': (string)[];
}
