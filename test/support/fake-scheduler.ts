/** A SchedulerService in the test's own process, with answers that the test scripts. */
import {
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { FieldError } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import type { SchedulerServiceHandlers } from "../../proto/generated/gpusched/v1/SchedulerService.ts";
import { errorDetailTrailers } from "../../proto/error-detail.ts";
import { SchedulerService } from "../../proto/load.ts";
import { sampleExplanation, sampleJob, sampleNode, sampleStatus, sampleTenant } from "./scheduler-samples.ts";

/** Instead of an answer: a failed call. */
export class Refusal {
  readonly code: status;
  readonly message: string;
  readonly metadata: Metadata;

  constructor(code: status, message: string, options: { fields?: readonly FieldError[]; metadata?: Metadata } = {}) {
    this.code = code;
    this.message = message;
    this.metadata =
      options.metadata ??
      errorDetailTrailers({ code: status[code].toLowerCase(), fields: [...(options.fields ?? [])] });
  }
}

/** The methods by name; each takes a request and gives an answer, or a {@link Refusal}. */
export type Script = Record<string, (request: unknown) => unknown>;

/** What a script gives for `StreamLogs`: chunks, then the end unless the stream is to stay open. */
export interface LogScript {
  readonly chunks: Iterable<string | Uint8Array>;
  readonly staysOpen?: boolean;
}

export interface FakeScheduler extends Service {
  /** `host:port` */
  readonly address: string;
  /** May be changed at any time. */
  readonly script: Script;
  /** The requests received, by method, oldest first. */
  readonly received: (method: string) => readonly unknown[];
  /** Streams of logs that were cancelled by their reader. */
  readonly cancelledStreams: () => number;
  /** Chunks that were taken from a log script so far. */
  readonly chunksSent: () => number;
}

/** Every method answers with a sample unless the script says otherwise. */
export async function startFakeScheduler(script: Script = {}, address = "127.0.0.1:0"): Promise<FakeScheduler> {
  const received = new Map<string, unknown[]>();
  const answers: Script = { ...samples, ...script };
  let cancelled = 0;
  let chunksSent = 0;
  const note = (method: string, request: unknown) => received.set(method, [...(received.get(method) ?? []), request]);
  const handlers: Record<string, unknown> = {};
  for (const method of Object.keys(samples).filter((name) => name !== "StreamLogs")) {
    handlers[method] = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
      note(method, call.request);
      const answer = answers[method]?.(call.request);
      if (answer instanceof Refusal) callback(toServiceError(answer));
      else if (answer !== undefined) callback(null, answer);
    };
  }
  handlers.StreamLogs = async (call: ServerWritableStream<unknown, { data: Uint8Array }>) => {
    note("StreamLogs", call.request);
    call.on("cancelled", () => {
      cancelled += 1;
    });
    const answer = answers.StreamLogs?.(call.request);
    if (answer instanceof Refusal) {
      call.emit("error", toServiceError(answer));
      return;
    }
    const { chunks, staysOpen } = answer as LogScript;
    call.sendMetadata(new Metadata());
    for (const chunk of chunks) {
      if (call.cancelled) return;
      chunksSent += 1;
      if (!call.write({ data: Buffer.from(chunk) })) await drained(call);
    }
    if (!staysOpen) call.end();
  };
  const server = new Server();
  server.addService(SchedulerService.service, handlers as unknown as SchedulerServiceHandlers);
  const port = await bind(server, address);
  return {
    address: `127.0.0.1:${port}`,
    script: answers,
    received: (method) => received.get(method) ?? [],
    cancelledStreams: () => cancelled,
    chunksSent: () => chunksSent,
    close: async () => server.forceShutdown(),
  };
}

const samples: Script = {
  SubmitJob: () => ({ job_id: sampleJob.id }),
  SubmitJobs: (request) => ({
    results: (request as { jobs: unknown[] }).jobs.map(() => ({ submitted: { job_id: sampleJob.id } })),
  }),
  DryRunJob: () => ({ explanation: { ...sampleExplanation, job_id: "" } }),
  ExplainJob: (request) => (idIn(request, "job_id") === sampleJob.id ? sampleExplanation : jobNotFound),
  CheckpointJob: (request) => (idIn(request, "job_id") === sampleJob.id ? {} : jobNotFound),
  GetJob: (request) => (idIn(request, "job_id") === sampleJob.id ? sampleJob : jobNotFound),
  ListJobs: () => ({ jobs: [{ ...sampleJob, allocations: [], history: [], spec: null }], total: 1 }),
  CancelJob: (request) => (idIn(request, "job_id") === sampleJob.id ? sampleJob : jobNotFound),
  StreamLogs: (request) =>
    idIn(request, "job_id") === sampleJob.id ? { chunks: ["hello\n", "world\n"] } : jobNotFound,
  CreateTenant: () => sampleTenant,
  GetTenant: (request) => (idIn(request, "tenant_id") === sampleTenant.id ? sampleTenant : tenantNotFound),
  ListTenants: () => ({ tenants: [sampleTenant] }),
  UpdateTenant: (request) => (idIn(request, "tenant_id") === sampleTenant.id ? sampleTenant : tenantNotFound),
  DeactivateTenant: (request) => (idIn(request, "tenant_id") === sampleTenant.id ? sampleTenant : tenantNotFound),
  ListNodes: () => ({ nodes: [sampleNode] }),
  ConfirmNodeDead: changedNode,
  CordonNode: changedNode,
  DrainNode: changedNode,
  UncordonNode: changedNode,
  QuarantineDevice: changedNode,
  ReleaseDevice: changedNode,
  GetClusterStatus: () => sampleStatus,
};

const jobNotFound = new Refusal(status.NOT_FOUND, "Job not found");
const nodeNotFound = new Refusal(status.NOT_FOUND, "Node not found");
const tenantNotFound = new Refusal(status.NOT_FOUND, "Tenant not found");

function changedNode(request: unknown) {
  return idIn(request, "node_name") === sampleNode.name ? { node: sampleNode, job_ids: [sampleJob.id] } : nodeNotFound;
}

function idIn(request: unknown, field: string): unknown {
  return (request as Record<string, unknown>)[field];
}

function toServiceError(refusal: Refusal): Partial<ServiceError> {
  return { code: refusal.code, details: refusal.message, message: refusal.message, metadata: refusal.metadata };
}

function drained(call: ServerWritableStream<unknown, { data: Uint8Array }>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done).off("cancelled", done);
      resolve();
    };
    call.on("drain", done).on("cancelled", done);
  });
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
