// Original file: proto/gpusched/v1/scheduler.proto


export interface CheckpointJobResponse {
}

export interface CheckpointJobResponse__Output {
}
