// Original file: proto/gpusched/v1/types.proto

export const JobPhase = {
  JOB_PHASE_UNSPECIFIED: 'JOB_PHASE_UNSPECIFIED',
  JOB_PHASE_QUEUED: 'JOB_PHASE_QUEUED',
  JOB_PHASE_HELD: 'JOB_PHASE_HELD',
  JOB_PHASE_STARTING: 'JOB_PHASE_STARTING',
  JOB_PHASE_RUNNING: 'JOB_PHASE_RUNNING',
  JOB_PHASE_STOPPING: 'JOB_PHASE_STOPPING',
  JOB_PHASE_FINISHED: 'JOB_PHASE_FINISHED',
} as const;

export type JobPhase =
  | 'JOB_PHASE_UNSPECIFIED'
  | 0
  | 'JOB_PHASE_QUEUED'
  | 1
  | 'JOB_PHASE_HELD'
  | 2
  | 'JOB_PHASE_STARTING'
  | 3
  | 'JOB_PHASE_RUNNING'
  | 4
  | 'JOB_PHASE_STOPPING'
  | 5
  | 'JOB_PHASE_FINISHED'
  | 6

export type JobPhase__Output = typeof JobPhase[keyof typeof JobPhase]
