import type { handleBidiStreamingCall, Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProtoPath } from "grpc-health-check";
import { packageDefinition } from "../../proto/load.ts";

/** The one method of each version of the reflection service. */
const METHOD = "ServerReflectionInfo";

/** A version of the reflection service, and what answers it. */
interface Version {
  readonly service: ServiceDefinition;
  readonly answer: handleBidiStreamingCall<unknown, unknown>;
}

/** Adds reflection of all services. To index their messages takes long, and few ask: it is done for the first who does. */
export function addReflection(server: Server): void {
  let versions: readonly Version[] | undefined;
  for (const [index, { service }] of versionsOf({}).entries()) {
    const answer: Version["answer"] = (stream) => {
      versions ??= versionsOf({ ...packageDefinition, ...loadSync(healthProtoPath) });
      versions[index]?.answer(stream);
    };
    server.addService(service, { [METHOD]: answer });
  }
}

/** Always in the same order. */
function versionsOf(reflected: PackageDefinition): readonly Version[] {
  const versions: Version[] = [];
  new ReflectionService(reflected).addToServer({
    addService: (service: ServiceDefinition, implementation: UntypedServiceImplementation) => {
      versions.push({ service, answer: implementation[METHOD] as Version["answer"] });
    },
  });
  return versions;
}
