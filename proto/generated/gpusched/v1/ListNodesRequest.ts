// Original file: proto/gpusched/v1/scheduler.proto


export interface ListNodesRequest {
}

export interface ListNodesRequest__Output {
}
