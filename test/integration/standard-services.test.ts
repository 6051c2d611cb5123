/** What every gRPC server is expected to have beside its own services: reflection and health. */
import { join } from "node:path";
import { type Client, credentials, loadPackageDefinition, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";
import { ControllerWorld, refusal } from "../support/scheduler-calls.ts";

let world: ControllerWorld;

beforeAll(async () => {
  world = await ControllerWorld.start();
});

afterAll(() => world.close());

/** A client of a service that this project does not define. */
function foreignClient(protoFile: string, service: string): Client {
  const loaded = loadPackageDefinition(loadSync(join(packageRoot, protoFile), { keepCase: true, oneofs: true }));
  const parts = service.split(".");
  const found = parts.reduce<unknown>((scope, part) => (scope as Record<string, unknown>)[part], loaded);
  return new (found as new (address: string, credentials: unknown) => Client)(
    world.address,
    credentials.createInsecure(),
  );
}

describe("reflection", () => {
  const PROTO = "node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto";

  async function reflect(request: Record<string, unknown>): Promise<Record<string, unknown>> {
    const client = foreignClient(PROTO, "grpc.reflection.v1.ServerReflection");
    const open = (client as unknown as { ServerReflectionInfo(): NodeJS.ReadWriteStream }).ServerReflectionInfo;
    const stream = open.call(client);
    try {
      return await new Promise((resolve, reject) => {
        stream.on("data", resolve);
        stream.on("error", reject);
        stream.write(request as never);
      });
    } finally {
      stream.end();
      client.close();
    }
  }

  test("lists the services", async () => {
    const { list_services_response } = (await reflect({ list_services: "" })) as {
      list_services_response: { service: { name: string }[] };
    };
    const names = list_services_response.service.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["gpusched.v1.SchedulerService", "gpusched.v1.AgentService", "grpc.health.v1.Health"]),
    );
  });

  test("describes a service with all that it needs, and knows what it does not know", async () => {
    const { file_descriptor_response } = (await reflect({
      file_containing_symbol: "gpusched.v1.SchedulerService",
    })) as { file_descriptor_response: { file_descriptor_proto: Buffer[] } };
    const files = Buffer.concat(file_descriptor_response.file_descriptor_proto).toString("latin1");
    for (const word of ["SubmitJob", "StreamLogs", "JobSpec", "gpu_count"]) expect(files).toContain(word);
    const health = JSON.stringify(await reflect({ file_containing_symbol: "grpc.health.v1.Health" }));
    expect(health).toContain("file_descriptor_response");
    expect(await reflect({ file_containing_symbol: "gpusched.v1.Nothing" })).toMatchObject({
      error_response: { error_code: status.NOT_FOUND },
    });
  });
});

describe("the standard health service", () => {
  function check(service: string): Promise<unknown> {
    const client = foreignClient(
      "node_modules/grpc-health-check/proto/health/v1/health.proto",
      "grpc.health.v1.Health",
    );
    type Check = (request: unknown, done: (error: Error | null, answer: unknown) => void) => void;
    return new Promise((resolve, reject) => {
      (client as unknown as { Check: Check }).Check({ service }, (error, answer) => {
        client.close();
        if (error) reject(error);
        else resolve(answer);
      });
    });
  }

  test.each(["", "gpusched.v1.SchedulerService", "gpusched.v1.AgentService"])(
    "says that %j serves",
    async (service) => {
      expect(await check(service)).toMatchObject({ status: 1 });
    },
  );

  test("does not know other services", async () => {
    expect(await refusal(check("other.Service"))).toMatchObject({ code: status.NOT_FOUND });
  });
});
