// Original file: proto/gpusched/v1/agent.proto

export const EndCause = {
  END_CAUSE_UNSPECIFIED: 'END_CAUSE_UNSPECIFIED',
  END_CAUSE_EXITED: 'END_CAUSE_EXITED',
  END_CAUSE_BAD_REQUEST: 'END_CAUSE_BAD_REQUEST',
  END_CAUSE_NODE: 'END_CAUSE_NODE',
  END_CAUSE_FENCED: 'END_CAUSE_FENCED',
} as const;

export type EndCause =
  | 'END_CAUSE_UNSPECIFIED'
  | 0
  | 'END_CAUSE_EXITED'
  | 1
  | 'END_CAUSE_BAD_REQUEST'
  | 2
  | 'END_CAUSE_NODE'
  | 3
  | 'END_CAUSE_FENCED'
  | 4

export type EndCause__Output = typeof EndCause[keyof typeof EndCause]
