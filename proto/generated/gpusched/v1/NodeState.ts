// Original file: proto/gpusched/v1/types.proto

export const NodeState = {
  NODE_STATE_UNSPECIFIED: 'NODE_STATE_UNSPECIFIED',
  NODE_STATE_ONLINE: 'NODE_STATE_ONLINE',
  NODE_STATE_DEGRADED: 'NODE_STATE_DEGRADED',
  NODE_STATE_UNREACHABLE: 'NODE_STATE_UNREACHABLE',
  NODE_STATE_LOST: 'NODE_STATE_LOST',
} as const;

export type NodeState =
  | 'NODE_STATE_UNSPECIFIED'
  | 0
  | 'NODE_STATE_ONLINE'
  | 1
  | 'NODE_STATE_DEGRADED'
  | 2
  | 'NODE_STATE_UNREACHABLE'
  | 3
  | 'NODE_STATE_LOST'
  | 4

export type NodeState__Output = typeof NodeState[keyof typeof NodeState]
