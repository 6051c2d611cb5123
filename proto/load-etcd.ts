/** The four services of etcd that the etcd store calls: see `proto/etcd/etcdserver.proto`. */
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ProtoGrpcType } from "./generated/etcdserver.ts";
import { LOAD_OPTIONS } from "./load.ts";

const loaded = grpc.loadPackageDefinition(loadSync("etcd/etcdserver.proto", LOAD_OPTIONS)) as unknown as ProtoGrpcType;

export const { KV, Lease, Maintenance, Watch } = loaded.etcdserverpb;
