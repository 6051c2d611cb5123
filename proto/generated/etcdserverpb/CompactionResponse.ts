// Original file: proto/etcd/etcdserver.proto


export interface CompactionResponse {
}

export interface CompactionResponse__Output {
}
