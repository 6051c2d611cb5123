import { credentials } from "@grpc/grpc-js";
import type { SubmitJobRequest } from "../proto/generated/gpusched/v1/SubmitJobRequest.ts";
import { SchedulerService } from "../proto/load.ts";
import type { BenchRow } from "./report.ts";
import { measureRate, type Rate } from "./support/in-flight.ts";
import { type ServerRole, withServer } from "./support/measured-server.ts";
import { type BenchOptions, durations } from "./support/options.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const IN_FLIGHT = [1, 64] as const;
const CALL_DEADLINE_MS = 30_000;
const REQUEST: SubmitJobRequest = {
  spec: {
    tenant_id: "tenant-123",
    name: "job",
    gpu_count: 1,
    script: "python train.py",
    cpu_cores: 1,
    memory_mb: 1_024,
  },
};

/** Submissions as unary gRPC calls on loopback, beside the same call to a server that only answers. */
export async function benchRpc(options: BenchOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const inFlight of IN_FLIGHT) {
    const bare = await measure("bare-grpc", inFlight, options);
    const { perSecond, count, latencies } = await measure("controller", inFlight, options);
    const name = `rpc: durable SubmitJob, ${inFlight} in flight`;
    const limit = { name: "unary calls to a bare grpc-js server", value: bare.perSecond };
    rows.push({
      name,
      value: perSecond,
      unit: "/s",
      limit,
      note: `${latencies.summary("ms")}; ${count.toLocaleString("en-US")} jobs`,
    });
  }
  return rows;
}

function measure(role: ServerRole, inFlight: number, options: BenchOptions): Promise<Rate> {
  return inTemporaryDirectory((directory) =>
    withServer(role, directory, async (address) => {
      const client = new SchedulerService(address, credentials.createInsecure());
      const call = () =>
        new Promise((resolve, reject) => {
          client.submitJob(REQUEST, { deadline: Date.now() + CALL_DEADLINE_MS }, (error, answer) => {
            if (error) reject(error);
            else resolve(answer);
          });
        });
      try {
        return await measureRate({ inFlight, ...durations(options) }, call);
      } finally {
        client.close();
      }
    }),
  );
}
