import type { BenchRow } from "./report.ts";
import { HttpClient } from "./support/http-client.ts";
import { measureRate, type Rate } from "./support/in-flight.ts";
import { type ServerRole, withServer } from "./support/measured-server.ts";
import { type BenchOptions, durations } from "./support/options.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const CONNECTIONS = 64;
const JOBS = "/api/v1/jobs";
const JOB = { tenant_id: "tenant-123", name: "job", gpu_count: 1, script: "python train.py" };

interface Rates {
  readonly post: Rate;
  readonly get: Rate;
}

/**
 * The REST API on loopback with 64 connections, gateway and controller in one process and the client in another, beside
 * a bare `node:http` server behind the same client.
 */
export async function benchGateway(options: BenchOptions): Promise<BenchRow[]> {
  const bare = await measure("bare-http", options);
  const real = await measure("gateway", options);
  return [
    row("durable POST /jobs", real.post, "POST to a bare node:http server", bare.post),
    row("GET /jobs/{id}", real.get, "GET of a bare node:http server", bare.get),
  ];
}

function row(what: string, rate: Rate, bareName: string, bare: Rate): BenchRow {
  const limit = { name: bareName, value: bare.perSecond };
  const note = rate.latencies.summary("ms");
  return { name: `gateway: ${what}, ${CONNECTIONS} connections`, value: rate.perSecond, unit: "/s", limit, note };
}

function measure(role: ServerRole, options: BenchOptions): Promise<Rates> {
  return inTemporaryDirectory((directory) =>
    withServer(role, directory, async (address) => {
      const client = new HttpClient(address, CONNECTIONS);
      const how = { inFlight: CONNECTIONS, ...durations(options) };
      try {
        const { job_id } = await client.post<{ job_id: string }>(JOBS, JOB);
        const get = await measureRate(how, () => client.get(`${JOBS}/${job_id}`));
        return { get, post: await measureRate(how, () => client.post(JOBS, JOB)) };
      } finally {
        client.close();
      }
    }),
  );
}
