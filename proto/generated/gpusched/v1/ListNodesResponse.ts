// Original file: proto/gpusched/v1/scheduler.proto

import type { Node as _gpusched_v1_Node, Node__Output as _gpusched_v1_Node__Output } from '../../gpusched/v1/Node.ts';

export interface ListNodesResponse {
  'nodes'?: (_gpusched_v1_Node)[];
}

export interface ListNodesResponse__Output {
  'nodes': (_gpusched_v1_Node__Output)[];
}
