// Original file: proto/etcd/etcdserver.proto


export interface DeleteRangeResponse {
}

export interface DeleteRangeResponse__Output {
}
