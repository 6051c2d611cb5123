// Original file: proto/etcd/etcdserver.proto


export interface LeaseRevokeResponse {
}

export interface LeaseRevokeResponse__Output {
}
