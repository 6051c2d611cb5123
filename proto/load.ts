/** The services and their clients, loaded from `proto/gpusched/v1` with the one set of options that the types are generated for. */
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";
import type { ProtoGrpcType as AgentProto } from "./generated/agent.ts";
import type { ProtoGrpcType as PeerProto } from "./generated/peer.ts";
import type { ProtoGrpcType as SchedulerProto } from "./generated/scheduler.ts";

/** What `build/generate-proto-types.ts` assumes. */
export const LOAD_OPTIONS: Options = {
  includeDirs: [join(import.meta.dirname)],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
};

/** What reflection serves, and what clients and servers are made of. */
export const packageDefinition: PackageDefinition = loadSync(
  ["gpusched/v1/agent.proto", "gpusched/v1/scheduler.proto"],
  LOAD_OPTIONS,
);

const loaded = grpc.loadPackageDefinition(packageDefinition) as unknown as AgentProto & SchedulerProto;

export const SchedulerService: SchedulerProto["gpusched"]["v1"]["SchedulerService"] =
  loaded.gpusched.v1.SchedulerService;
export const AgentService: AgentProto["gpusched"]["v1"]["AgentService"] = loaded.gpusched.v1.AgentService;

type PeerService = PeerProto["gpusched"]["v1"]["PeerService"];
let peers: PeerService | undefined;

/** What agents say to each other, which not all do; not part of what a controller reflects. */
export function peerService(): PeerService {
  if (!peers) {
    const definition = loadSync("gpusched/v1/peer.proto", LOAD_OPTIONS);
    peers = (grpc.loadPackageDefinition(definition) as unknown as PeerProto).gpusched.v1.PeerService;
  }
  return peers;
}

/** The trailers of an error: where the leader is, and an encoded ErrorDetail. */
export const LEADER_TRAILER = "gpusched-leader";
export const ERROR_DETAIL_TRAILER = "gpusched-error-bin";
