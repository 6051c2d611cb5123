// Original file: proto/gpusched/v1/scheduler.proto

import type { NodeProblem as _gpusched_v1_NodeProblem, NodeProblem__Output as _gpusched_v1_NodeProblem__Output } from '../../gpusched/v1/NodeProblem.ts';

export interface NodeAnswer {
  'node_name'?: (string);
  'answer'?: (string);
  'reason'?: (string);
  'message'?: (string);
  'resource'?: (string);
  'has'?: (number | string);
  'wanted'?: (number | string);
  'missing'?: (number | string);
  'others'?: (_gpusched_v1_NodeProblem)[];
  '_has'?: "has";
  '_wanted'?: "wanted";
  '_missing'?: "missing";
}

export interface NodeAnswer__Output {
  'node_name': (string);
  'answer': (string);
  'reason': (string);
  'message': (string);
  'resource': (string);
  'has'?: (number);
  'wanted'?: (number);
  'missing'?: (number);
  'others': (_gpusched_v1_NodeProblem__Output)[];
  '_has'?: "has";
  '_wanted'?: "wanted";
  '_missing'?: "missing";
}
