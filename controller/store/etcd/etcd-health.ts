import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import type { CallLimits, EtcdClient } from "./etcd-client.ts";
import { NO_SPACE_ADVICE } from "./etcd-error.ts";

/** One member, as it answered. */
export interface MemberHealth {
  readonly endpoint: string;
  readonly version: string;
  /** The size of its file, which counts against its quota, and the part of it that holds something. */
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
}

/** What etcd says of itself: for metrics. */
export interface EtcdHealth {
  /** Those that answered. */
  readonly members: readonly MemberHealth[];
  readonly unreachable: readonly string[];
  /** It takes no writes until an operator has made room. */
  readonly isFull: boolean;
  /** Members disagree about what is stored. */
  readonly isCorrupt: boolean;
}

/** Asks every member. */
export async function readHealth(client: EtcdClient, limits: CallLimits = {}): Promise<EtcdHealth> {
  const [alarms, ...answers] = await Promise.all([
    client.alarms(limits).catch(() => undefined),
    ...client.endpoints.map(async (endpoint) => {
      const status = await client.status(endpoint, limits).catch(() => undefined);
      return { endpoint, status };
    }),
  ]);
  const raised = new Set(alarms?.alarms.map(({ alarm }) => alarm));
  return {
    members: answers.flatMap(({ endpoint, status }) =>
      status
        ? { endpoint, version: status.version, dbSizeBytes: status.dbSize, dbSizeInUseBytes: status.dbSizeInUse }
        : [],
    ),
    unreachable: answers.filter(({ status }) => !status).map(({ endpoint }) => endpoint),
    isFull: raised.has("NOSPACE"),
    isCorrupt: raised.has("CORRUPT"),
  };
}

const EVERY_MS = 15_000;

/** Reads it now and then, keeps the latest, and logs what an operator must do something about. */
export class HealthWatch implements Service {
  readonly #client: EtcdClient;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #closing = new AbortController();
  #latest: EtcdHealth | undefined;
  #running: Promise<void>;

  constructor(client: EtcdClient, log: Logger) {
    this.#client = client;
    this.#log = log;
    this.#running = this.#read();
    this.#timer = setInterval(() => {
      this.#running = this.#read();
    }, EVERY_MS);
    this.#timer.unref();
  }

  get latest(): EtcdHealth | undefined {
    return this.#latest;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#running;
  }

  async #read(): Promise<void> {
    try {
      const before = this.#latest;
      const health = await readHealth(this.#client, { signal: this.#closing.signal });
      if (this.#closing.signal.aborted) return;
      this.#latest = health;
      if (health.isFull && !before?.isFull) this.#log.error({ members: health.members }, NO_SPACE_ADVICE);
      if (health.isCorrupt && !before?.isCorrupt) this.#log.error("etcd's members disagree about what is stored");
      const gone = health.unreachable.filter((endpoint) => !before?.unreachable.includes(endpoint));
      if (gone.length > 0) this.#log.warn({ unreachable: gone }, "members of etcd do not answer");
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, "cannot ask etcd how it is");
    }
  }
}
