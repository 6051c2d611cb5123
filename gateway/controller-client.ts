/** Calls to whichever controller leads: follows its hint, goes on to the next where one does not answer, within a deadline. */
import {
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status as grpcStatus,
} from "@grpc/grpc-js";
import { parseAddress } from "../base/address.ts";
import { present } from "../base/assert.ts";
import type { Service } from "../base/service.ts";
import type { SchedulerServiceClient } from "../proto/generated/gpusched/v1/SchedulerService.ts";
import type { LogChunk__Output } from "../proto/generated/gpusched/v1/LogChunk.ts";
import type { StreamLogsRequest } from "../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import { LEADER_TRAILER, SchedulerService } from "../proto/load.ts";
import { fromGrpcError, isNodeAway } from "./errors.ts";

const CALL_DEADLINE_MS = 5_000;
/** Until the first of a log that is not followed must be there: longer than the controller waits for the node. */
const LOG_DEADLINE_MS = 20_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Connections kept: the configured controllers and the leaders they have named. */
const MAX_CONNECTIONS = 32;

const CHANNEL_OPTIONS = {
  "grpc.keepalive_time_ms": 6_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  // A controller that was just started may lead at once, and there are few of them.
  "grpc.max_reconnect_backoff_ms": 400,
  "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
};

/** The methods to give to {@link ControllerClient.call}. */
export const scheduler = SchedulerService.service;

/** What makes something new: a second try could make it twice, unless the first surely did nothing. */
const NOT_REPEATABLE = new Set<string>(
  [scheduler.SubmitJob, scheduler.SubmitJobs, scheduler.CreateTenant].map(({ path }) => path),
);

interface UnaryMethod<Request, Answer> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Answer;
}

export class ControllerClient implements Service {
  readonly #configured: readonly string[];
  readonly #connections = new Map<string, SchedulerServiceClient>();
  /** Who answered last. */
  #preferred: string;

  /** @param controllers `host:port` of each, at least one */
  constructor(controllers: readonly string[]) {
    this.#configured = controllers;
    this.#preferred = present(controllers[0], "the controllers' address");
  }

  /** The answer of the leader, or a {@link RequestError}: `unavailable` when no controller could give one. */
  call<Request, Answer>(method: UnaryMethod<Request, Answer>, request: Request): Promise<Answer> {
    const deadline = Date.now() + CALL_DEADLINE_MS;
    return this.#withFailover(!NOT_REPEATABLE.has(method.path), (connection) => {
      return new Promise<Answer>((resolve, reject) => {
        connection.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          new Metadata(),
          { deadline },
          (error, answer) => (error ? reject(error) : resolve(present(answer, "the answer"))),
        );
      });
    });
  }

  /** Opens the output of a job. The stream is cancelled by the signal; until then it is read only as fast as it is taken. */
  openLogs(request: StreamLogsRequest, signal: AbortSignal): Promise<ClientReadableStream<LogChunk__Output>> {
    return this.#withFailover(true, async (connection) => {
      const stream = connection.streamLogs(request);
      const cancel = () => stream.cancel();
      // A cancelled stream fails: those who still read hear of it, and nobody else needs to.
      stream.on("error", () => signal.removeEventListener("abort", cancel));
      stream.once("end", () => signal.removeEventListener("abort", cancel));
      signal.addEventListener("abort", cancel);
      if (signal.aborted) cancel();
      await opened(stream, request.follow ? undefined : LOG_DEADLINE_MS);
      return stream;
    });
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #withFailover<T>(repeatable: boolean, attempt: (connection: SchedulerServiceClient) => Promise<T>): Promise<T> {
    const tried = new Set<string>();
    for (let address = this.#preferred; ; ) {
      tried.add(address);
      try {
        const answer = await attempt(this.#connect(address));
        this.#preferred = address;
        return answer;
      } catch (error) {
        if (!isServiceError(error)) throw error;
        const next = this.#nextAfter(error, repeatable, tried);
        if (next === undefined) {
          if (isSilence(error)) this.#preferred = this.#afterConfigured(address);
          throw fromGrpcError(error);
        }
        address = next;
      }
    }
  }

  /** Whom to ask after this failure; undefined when it is the answer. */
  #nextAfter(error: ServiceError, repeatable: boolean, tried: ReadonlySet<string>): string | undefined {
    if (error.code !== grpcStatus.UNAVAILABLE || isNodeAway(error)) return undefined;
    const leader = leaderHint(error);
    if (leader !== undefined && !tried.has(leader)) return leader;
    if (!repeatable && leader === undefined && !wasNeverSent(error)) return undefined;
    return this.#configured.find((address) => !tried.has(address));
  }

  #afterConfigured(address: string): string {
    const index = this.#configured.indexOf(address);
    return present(this.#configured[(index + 1) % this.#configured.length], "the next controller");
  }

  #connect(address: string): SchedulerServiceClient {
    const known = this.#connections.get(address);
    if (known) return known;
    if (this.#connections.size >= MAX_CONNECTIONS) this.#forgetOneNamed();
    const made = new SchedulerService(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    this.#connections.set(address, made);
    return made;
  }

  #forgetOneNamed(): void {
    for (const [address, connection] of this.#connections) {
      if (this.#configured.includes(address)) continue;
      connection.close();
      this.#connections.delete(address);
      return;
    }
  }
}

/** Whether it is the failure of a call, for {@link fromGrpcError}. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}

/** The next request should ask another: this one gave no answer at all. */
function isSilence(error: ServiceError): boolean {
  return error.code === grpcStatus.DEADLINE_EXCEEDED || (error.code === grpcStatus.UNAVAILABLE && !isNodeAway(error));
}

/** The address of the leader, where a follower knows it. */
function leaderHint(error: ServiceError): string | undefined {
  const [hint] = error.metadata.get(LEADER_TRAILER);
  return typeof hint === "string" && parseAddress(hint) ? hint : undefined;
}

/** No connection stood, so that the request never left. The library says it in words only. */
function wasNeverSent(error: ServiceError): boolean {
  return /^(No connection established|Name resolution failed)/.test(error.details);
}

/** Resolves when the server has accepted the call, be it by its headers, its first bytes or its good end. */
function opened(stream: ClientReadableStream<LogChunk__Output>, deadlineMs: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => stream.cancel(), deadlineMs);
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      stream.off("metadata", accept).off("readable", acceptBytes).off("status", accept).off("error", fail);
      settled();
    };
    const accept = () => settle(resolve);
    // A failure is announced by an end without bytes, just before its error.
    const acceptBytes = () => stream.readableLength > 0 && accept();
    const fail = (error: Error) => settle(() => reject(error));
    stream.on("metadata", accept).on("readable", acceptBytes).on("status", accept).on("error", fail);
  });
}
