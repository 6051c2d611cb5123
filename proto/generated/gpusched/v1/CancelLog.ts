// Original file: proto/gpusched/v1/agent.proto


export interface CancelLog {
}

export interface CancelLog__Output {
}
