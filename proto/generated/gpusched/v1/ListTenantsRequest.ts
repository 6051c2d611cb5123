// Original file: proto/gpusched/v1/scheduler.proto


export interface ListTenantsRequest {
}

export interface ListTenantsRequest__Output {
}
