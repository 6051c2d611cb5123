/** Servers that do nothing but answer: what the libraries alone can do. */
import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { Service } from "../../base/service.ts";
import type { SchedulerServiceHandlers } from "../../proto/generated/gpusched/v1/SchedulerService.ts";
import { SchedulerService } from "../../proto/load.ts";

const JOB_ID = "job-1700000000000000000";

interface BareServer extends Service {
  readonly address: string;
}

/** Answers SubmitJob at once; every other method is refused by the library. */
export async function startBareGrpc(): Promise<BareServer> {
  const server = new Server();
  const handlers: Pick<SchedulerServiceHandlers, "SubmitJob"> = {
    SubmitJob: (_, callback) => callback(null, { job_id: JOB_ID }),
  };
  server.addService(SchedulerService.service, { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { address: `127.0.0.1:${port}`, close: async () => server.forceShutdown() };
}

/** Takes JSON and gives JSON. */
export async function startBareHttp(): Promise<BareServer> {
  const server = createServer((request, response) => {
    const answer = JSON.stringify({ job_id: JOB_ID, status: "submitted", message: "Job submitted successfully" });
    const reply = () => {
      response.writeHead(request.method === "POST" ? 201 : 200, { "content-type": "application/json" });
      response.end(answer);
    };
    json(request).then(reply, reply);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const port = typeof bound === "object" && bound ? bound.port : 0;
  return {
    address: `127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
