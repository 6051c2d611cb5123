// Original file: proto/etcd/etcdserver.proto


export interface PutResponse {
}

export interface PutResponse__Output {
}
