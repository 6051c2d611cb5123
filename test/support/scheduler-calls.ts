/** A real controller and plain gRPC clients of it, as automation would use them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { silentLogger } from "../../base/logger.ts";
import { type Service, ServiceStack } from "../../base/service.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { type Controller, type ControllerOptions, startController } from "../../controller/controller.ts";
import { readErrorDetail } from "../../proto/error-detail.ts";
import type { SchedulerServiceClient } from "../../proto/generated/gpusched/v1/SchedulerService.ts";
import type { LogChunk__Output } from "../../proto/generated/gpusched/v1/LogChunk.ts";
import type { StreamLogsRequest } from "../../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import { SchedulerService } from "../../proto/load.ts";

const CALL_DEADLINE_MS = 30_000;

/** The methods to give to {@link SchedulerCalls.call}. */
export const scheduler = SchedulerService.service;

interface UnaryMethod<Request, Answer> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Answer;
}

/** A client whose calls are promises; refusals reject with grpc-js's own error. */
export class SchedulerCalls implements Service {
  readonly #client: SchedulerServiceClient;

  constructor(address: string) {
    this.#client = new SchedulerService(address, credentials.createInsecure());
  }

  call<Request, Answer>(method: UnaryMethod<Request, Answer>, request: Request): Promise<Answer> {
    return this.callRaw(method, method.requestSerialize(request));
  }

  /** The call with these bytes as its request, whatever they are. */
  callRaw<Answer>(method: UnaryMethod<never, Answer>, request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<Buffer, Answer>(
        method.path,
        (bytes) => bytes,
        method.responseDeserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + CALL_DEADLINE_MS },
        (error, answer) => (answer === undefined ? reject(error ?? new Error("no answer")) : resolve(answer)),
      );
    });
  }

  /** How the call was refused; fails if it was not. */
  async refusalOf<Request>(method: UnaryMethod<Request, unknown>, request: Request): Promise<Refusal> {
    return await refusal(this.call(method, request));
  }

  openLogs(request: StreamLogsRequest): ClientReadableStream<LogChunk__Output> {
    return this.#client.streamLogs(request, { deadline: Date.now() + CALL_DEADLINE_MS });
  }

  /** All of the output, once the server has ended it. */
  async logsOf(request: StreamLogsRequest): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const { data } of this.openLogs(request)) chunks.push(data);
    return Buffer.concat(chunks).toString();
  }

  async close(): Promise<void> {
    this.#client.close();
  }
}

export interface Refusal {
  readonly code: number;
  readonly message: string;
  /** The code and the fields that the trailer names. */
  readonly detail: string | undefined;
  readonly fields: readonly string[];
}

/** How the call was refused; fails if it was not. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as ServiceError,
  );
  if (!error) throw new Error("the call was not refused");
  const detail = readErrorDetail(error.metadata);
  return {
    code: error.code,
    message: error.details,
    detail: detail?.code,
    fields: (detail?.fields ?? []).map(({ field }) => field),
  };
}

/** A controller on a new directory, or the given one, and a client of it. */
export class ControllerWorld implements Service {
  readonly controller: Controller;
  readonly calls: SchedulerCalls;
  readonly #services: ServiceStack;

  private constructor(controller: Controller, services: ServiceStack) {
    this.controller = controller;
    this.calls = services.add(new SchedulerCalls(controller.address));
    this.#services = services;
  }

  static async start(options: Partial<ControllerOptions> = {}): Promise<ControllerWorld> {
    const services = new ServiceStack();
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "gpusched-controller-")));
    if (options.dataDir === undefined) {
      services.add({ close: () => rm(dataDir, { recursive: true, force: true }) });
    }
    const controller = services.add(
      await startController({
        listen: "127.0.0.1:0",
        advertise: undefined,
        dataDir,
        nodeUnreachableAfterMs: 60_000,
        nodeLostAfterMs: 300_000,
        policy: DEFAULT_POLICY,
        seedTenant: true,
        log: silentLogger,
        ...options,
      }),
    );
    return new ControllerWorld(controller, services);
  }

  get address(): string {
    return this.controller.address;
  }

  close(): Promise<void> {
    return this.#services.close();
  }
}

/** A job of the seeded tenant with a GPU; what is given replaces the defaults. */
export function jobSpec(given: Record<string, unknown> = {}) {
  return { tenant_id: "tenant-123", name: "job", gpu_count: 1, script: "true", ...given };
}
