// Original file: proto/etcd/etcdserver.proto


export interface StatusRequest {
}

export interface StatusRequest__Output {
}
