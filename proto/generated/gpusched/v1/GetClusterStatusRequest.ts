// Original file: proto/gpusched/v1/scheduler.proto


export interface GetClusterStatusRequest {
}

export interface GetClusterStatusRequest__Output {
}
