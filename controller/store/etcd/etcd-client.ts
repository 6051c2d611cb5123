/**
 * A thin client: one call to one member at a time, with a deadline, and no hidden retries, so that whoever calls knows what may
 * have happened. A member that does not answer is left for the next one.
 */
import {
  type CallOptions,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { exponentialBackoffMs, withJitter } from "../../../base/backoff.ts";
import { delay } from "../../../base/abort.ts";
import { present } from "../../../base/assert.ts";
import type { AlarmResponse__Output } from "../../../proto/generated/etcdserverpb/AlarmResponse.ts";
import type { KVClient } from "../../../proto/generated/etcdserverpb/KV.ts";
import type { LeaseClient } from "../../../proto/generated/etcdserverpb/Lease.ts";
import type { MaintenanceClient } from "../../../proto/generated/etcdserverpb/Maintenance.ts";
import type { RangeRequest } from "../../../proto/generated/etcdserverpb/RangeRequest.ts";
import type { RangeResponse__Output } from "../../../proto/generated/etcdserverpb/RangeResponse.ts";
import type { StatusResponse__Output } from "../../../proto/generated/etcdserverpb/StatusResponse.ts";
import type { TxnRequest } from "../../../proto/generated/etcdserverpb/TxnRequest.ts";
import type { TxnResponse__Output } from "../../../proto/generated/etcdserverpb/TxnResponse.ts";
import type { WatchClient } from "../../../proto/generated/etcdserverpb/Watch.ts";
import type { WatchRequest } from "../../../proto/generated/etcdserverpb/WatchRequest.ts";
import type { WatchResponse__Output } from "../../../proto/generated/etcdserverpb/WatchResponse.ts";
import { KV, Lease, Maintenance, Watch } from "../../../proto/load-etcd.ts";
import { EtcdError, etcdErrorOf } from "./etcd-error.ts";
import { credentialsOf, type EtcdTls, readTlsFiles, type TlsFiles } from "./etcd-tls.ts";

export interface EtcdClientOptions {
  /** Each `HOST:PORT`. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls | undefined;
}

/** Whatever answers within it is alive; what does not is tried elsewhere. */
export const CALL_DEADLINE_MS = 1_500;
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 1_000;

const CHANNEL_OPTIONS: ClientOptions = {
  // etcd breaks off connections that are pinged more often than every 5 s.
  "grpc.keepalive_time_ms": 6_000,
  "grpc.keepalive_timeout_ms": 1_500,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Of reads, which are paged, and of a watch that catches up.
  "grpc.max_receive_message_length": 32 * 1024 * 1024,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
};

interface Member {
  readonly endpoint: string;
  readonly kv: KVClient;
  readonly lease: LeaseClient;
  readonly watch: WatchClient;
  readonly maintenance: MaintenanceClient;
}

type Answer<T> = (error: ServiceError | null, value?: T) => void;
type Start<T> = (member: Member, options: CallOptions, done: Answer<T>) => Pick<ClientUnaryCall, "cancel">;

export interface CallLimits {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The connection to one etcd cluster. Closing it ends every call. */
export class EtcdClient {
  /** As it was when the client was made; undefined for connections in the clear. */
  readonly tls: TlsFiles | undefined;
  readonly #members: readonly Member[];
  #current: number;
  #isClosed = false;

  constructor({ endpoints, tls }: EtcdClientOptions) {
    this.tls = tls && readTlsFiles(tls);
    const secrets = credentialsOf(this.tls);
    this.#members = endpoints.map((endpoint) => dial(endpoint, secrets));
    // Controllers spread over the members.
    this.#current = Math.floor(Math.random() * endpoints.length);
  }

  get endpoints(): readonly string[] {
    return this.#members.map(({ endpoint }) => endpoint);
  }

  range(request: RangeRequest, limits?: CallLimits): Promise<RangeResponse__Output> {
    return this.#call("Range", limits, ({ kv }, options, done) => kv.Range(request, options, done));
  }

  txn(request: TxnRequest, limits?: CallLimits): Promise<TxnResponse__Output> {
    return this.#call("Txn", limits, ({ kv }, options, done) => kv.Txn(request, options, done));
  }

  async compact(revision: number): Promise<void> {
    await this.#call("Compact", {}, ({ kv }, options, done) => kv.Compact({ revision }, options, done));
  }

  async grantLease(id: number, ttlSeconds: number, limits?: CallLimits): Promise<void> {
    const request = { ID: id, TTL: ttlSeconds };
    await this.#call("LeaseGrant", limits, ({ lease }, options, done) => lease.LeaseGrant(request, options, done));
  }

  async revokeLease(id: number): Promise<void> {
    await this.#call("LeaseRevoke", {}, ({ lease }, options, done) => lease.LeaseRevoke({ ID: id }, options, done));
  }

  /** Lets the lease live on for its full time, counted from some moment of this call. Throws `no_lease` if it is gone. */
  async keepLeaseAlive(id: number, limits?: CallLimits): Promise<void> {
    const { TTL } = await this.#call<{ TTL: number }>("LeaseKeepAlive", limits, ({ lease }, options, done) => {
      // A stream for each renewal: one that has got stuck holds up no other.
      const stream = lease.LeaseKeepAlive(options);
      stream.on("error", (error: ServiceError) => done(error));
      stream.on("end", () => done(noAnswer()));
      stream.once("data", (answer: { TTL: number }) => done(null, answer));
      stream.write({ ID: id });
      stream.end();
      return stream;
    });
    if (TTL <= 0) throw new EtcdError("no_lease", `LeaseKeepAlive: lease ${id.toString(16)} is gone`);
  }

  alarms(limits: CallLimits): Promise<AlarmResponse__Output> {
    const request = { action: "GET", alarm: "NONE" } as const;
    return this.#call("Alarm", limits, ({ maintenance }, options, done) => maintenance.Alarm(request, options, done));
  }

  /** Of this one member. */
  async status(endpoint: string, limits: CallLimits): Promise<StatusResponse__Output> {
    const member = present(
      this.#members.find((one) => one.endpoint === endpoint),
      `etcd member ${endpoint}`,
    );
    return await this.#callMember(member, "Status", limits, ({ maintenance }, options, done) =>
      maintenance.Status({}, options, done),
    );
  }

  /** A watch on the member in use, which ends it when it has lost the cluster's leader. */
  openWatch(): ClientDuplexStream<WatchRequest, WatchResponse__Output> {
    const metadata = new Metadata();
    metadata.set("hasleader", "true");
    return this.#member().watch.Watch(metadata);
  }

  /** Leaves the member in use for the next one. */
  turnFrom(): void {
    this.#current = (this.#current + 1) % this.#members.length;
  }

  close(): void {
    this.#isClosed = true;
    for (const { kv, lease, watch, maintenance } of this.#members) {
      for (const service of [kv, lease, watch, maintenance]) service.close();
    }
  }

  #member(): Member {
    return present(this.#members[this.#current], "an etcd endpoint");
  }

  async #call<T>(name: string, limits: CallLimits | undefined, start: Start<T>): Promise<T> {
    const index = this.#current;
    try {
      return await this.#callMember(this.#member(), name, limits ?? {}, start);
    } catch (error) {
      // Unless another call has moved on already, or this one was given up.
      const isDead = error instanceof EtcdError && error.code === "unavailable" && !limits?.signal?.aborted;
      if (isDead && this.#current === index) this.turnFrom();
      throw error;
    }
  }

  #callMember<T>(member: Member, name: string, limits: CallLimits, start: Start<T>): Promise<T> {
    const { deadlineMs = CALL_DEADLINE_MS, signal } = limits;
    if (this.#isClosed) return Promise.reject(new EtcdError("unavailable", `${name}: the client is closed`));
    if (signal?.aborted) return Promise.reject(new EtcdError("unavailable", `${name}: given up`));
    return new Promise((resolve, reject) => {
      const cancel = () => call.cancel();
      const call = start(member, { deadline: Date.now() + deadlineMs }, (error, value) => {
        signal?.removeEventListener("abort", cancel);
        if (error) reject(etcdErrorOf(name, member.endpoint, error));
        else resolve(present(value, `the answer to ${name}`));
      });
      signal?.addEventListener("abort", cancel);
    });
  }
}

/**
 * Tries until it succeeds, or fails in a way that trying again does not change, or the signal aborts, or the time is over: then an
 * attempt that is under way still gets its answer.
 */
export async function persistently<T>(signal: AbortSignal, attempt: () => Promise<T>, forMs = Infinity): Promise<T> {
  const beganAtMs = performance.now();
  for (let retry = 0; ; retry += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== "unavailable" || signal.aborted) throw error;
      if (performance.now() - beganAtMs > forMs) throw error;
      await delay(withJitter(exponentialBackoffMs(retry, RETRY_BASE_MS, RETRY_MAX_MS)), signal);
      if (signal.aborted) throw error;
    }
  }
}

function dial(endpoint: string, secrets: ChannelCredentials): Member {
  return {
    endpoint,
    kv: new KV(endpoint, secrets, CHANNEL_OPTIONS),
    lease: new Lease(endpoint, secrets, CHANNEL_OPTIONS),
    watch: new Watch(endpoint, secrets, CHANNEL_OPTIONS),
    maintenance: new Maintenance(endpoint, secrets, CHANNEL_OPTIONS),
  };
}

function noAnswer(): ServiceError {
  const details = "the stream ended without an answer";
  return Object.assign(new Error(details), { code: status.UNAVAILABLE, details, metadata: new Metadata() });
}
