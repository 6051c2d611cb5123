import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import type { CallLimits, EtcdClient } from "./etcd-client.ts";
import { NO_SPACE_ADVICE } from "./etcd-error.ts";
import { DEFAULT_QUOTA_BYTES, readQuota } from "./etcd-quota.ts";
import { bytesUntilNextLook, fullness, type MemberHealth, shortageOf, WARN_SHARE } from "./etcd-room.ts";
import { Written } from "./written.ts";

/** What etcd says of itself: for metrics. */
export interface EtcdHealth {
  /** Those that answered. */
  readonly members: readonly MemberHealth[];
  readonly unreachable: readonly string[];
  /** Why the first of these did not. */
  readonly why: string | undefined;
  /** It takes no writes until an operator has made room; undefined when that was not to be learnt. */
  readonly isFull: boolean | undefined;
  /** Members disagree about what is stored. */
  readonly isCorrupt: boolean;
}

/** Of each member, by its endpoint, as it was read before: only a restart changes it. */
type Quotas = ReadonlyMap<string, number>;

/** Asks every member. */
export async function readHealth(client: EtcdClient, limits: CallLimits = {}, quotas?: Quotas): Promise<EtcdHealth> {
  const [alarms, ...answers] = await Promise.all([
    client.alarms(limits).catch(() => undefined),
    ...client.endpoints.map(async (endpoint) => {
      const signal = limits.signal ?? new AbortController().signal;
      const [status, quota] = await Promise.all([
        client.status(endpoint, limits).catch((error: unknown) => messageOf(error)),
        quotas?.get(endpoint) ?? readQuota(endpoint, client.tls, signal),
      ]);
      return { endpoint, status, quotaBytes: quota ?? DEFAULT_QUOTA_BYTES };
    }),
  ]);
  const raised = new Set(alarms?.alarms.map(({ alarm }) => alarm));
  return {
    members: answers.flatMap(({ endpoint, status, quotaBytes }) => {
      if (typeof status === "string") return [];
      const { version, dbSize: dbSizeBytes, dbSizeInUse: dbSizeInUseBytes } = status;
      return { endpoint, version, dbSizeBytes, dbSizeInUseBytes, quotaBytes };
    }),
    unreachable: answers.filter(({ status }) => typeof status === "string").map(({ endpoint }) => endpoint),
    why: answers.map(({ status }) => status).find((status) => typeof status === "string"),
    isFull: alarms && raised.has("NOSPACE"),
    isCorrupt: raised.has("CORRUPT"),
  };
}

const EVERY_MS = 15_000;
/** While there is no room: whoever has made some should not have to wait. */
const EVERY_MS_WHEN_SHORT = 2_000;
/** Between two looks, however much is written. */
const LEAST_MS = 50;
/** The alarm may be raised only after a write was refused for which it is: for so long, no alarm proves nothing. */
const REFUSAL_COUNTS_MS = 1_000;

/** Reads it now and then, keeps the latest, and logs what an operator must do something about. */
export class HealthWatch implements Service {
  readonly #client: EtcdClient;
  readonly #log: Logger;
  readonly #everyMs: number;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #latest: EtcdHealth | undefined;
  /** Whether etcd takes no writes, as far as is known, and when it last refused one. */
  #isFull = false;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  readonly #written = new Written();
  #quotasReadAtMs = Number.NEGATIVE_INFINITY;
  #isLate = new AbortController();
  /** Called after each look while there is little room. */
  onPressure: () => void = () => undefined;

  constructor(client: EtcdClient, log: Logger, everyMs = EVERY_MS) {
    this.#client = client;
    this.#everyMs = everyMs;
    this.#log = log;
    this.#running = this.#run();
  }

  get latest(): EtcdHealth | undefined {
    return this.#latest;
  }

  /** Why nothing new should be stored; undefined while there is room. */
  get shortage(): string | undefined {
    return shortageOf(this.#latest?.members ?? [], { isFull: this.#isFull, writtenBytes: this.#written.bytes });
  }

  /** Whether etcd takes no writes. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** So much is about to be written. The more, the sooner etcd is asked again. */
  noteWritten(bytes: number): void {
    this.#written.note(bytes, performance.now());
    const { members = [] } = this.#latest ?? {};
    if (members.length > 0 && this.#written.bytes > bytesUntilNextLook(members)) this.#isLate.abort();
  }

  /** etcd has refused a write for lack of room, or takes writes again. */
  noteRefused(isRefused: boolean): void {
    if (isRefused) this.#refusedAtMs = performance.now();
    this.#noteFull(isRefused);
  }

  #noteFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.#log.error(NO_SPACE_ADVICE);
    else this.#log.info("etcd takes writes again");
    this.#isLate.abort();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const beganAtMs = performance.now();
      this.#isLate = new AbortController();
      await this.#read();
      const everyMs = this.shortage === undefined ? this.#everyMs : Math.min(this.#everyMs, EVERY_MS_WHEN_SHORT);
      await delay(everyMs, AbortSignal.any([signal, this.#isLate.signal]));
      await delay(LEAST_MS - (performance.now() - beganAtMs), signal);
    }
  }

  /** While much is written the members are asked often; then what they hardly ever change is not read each time. */
  #quotas(): Quotas | undefined {
    const isFresh = performance.now() - this.#quotasReadAtMs < EVERY_MS_WHEN_SHORT;
    if (!isFresh) this.#quotasReadAtMs = performance.now();
    return isFresh
      ? new Map(this.#latest?.members.map(({ endpoint, quotaBytes }) => [endpoint, quotaBytes]))
      : undefined;
  }

  async #read(): Promise<void> {
    try {
      const before = this.#latest;
      const beganAtMs = performance.now();
      const health = await readHealth(this.#client, { signal: this.#closing.signal }, this.#quotas());
      if (this.#closing.signal.aborted) return;
      const wasShort = before && this.shortage !== undefined;
      this.#latest = health;
      if (health.members.length > 0) this.#written.noteLook(beganAtMs);
      const isCertain = beganAtMs > this.#refusedAtMs + REFUSAL_COUNTS_MS;
      if (health.isFull || (health.isFull === false && isCertain)) this.#noteFull(health.isFull);
      this.#logRoom(before, health, wasShort ?? false);
      if (health.isCorrupt && !before?.isCorrupt) this.#log.error("etcd's members disagree about what is stored");
      const gone = health.unreachable.filter((endpoint) => !before?.unreachable.includes(endpoint));
      if (gone.length > 0) this.#log.warn({ unreachable: gone, why: health.why }, "members of etcd do not answer");
      if (isPressed(health)) this.onPressure();
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, "cannot ask etcd how it is");
    }
  }

  #logRoom(before: EtcdHealth | undefined, health: EtcdHealth, wasShort: boolean): void {
    const { members } = health;
    const is = this.shortage;
    if (is !== undefined && !wasShort && !this.#isFull) this.#log.error({ members }, is);
    if (is === undefined && wasShort) this.#log.info({ members }, "etcd has room again: new jobs are taken");
    const isNew = isPressed(health) && !(before && isPressed(before));
    if (isNew && is === undefined) {
      this.#log.warn({ members }, "etcd has taken more than 60 % of its quota; at 80 % no new jobs are taken");
    }
  }
}

function isPressed({ isFull, members }: EtcdHealth): boolean {
  return isFull === true || fullness(members).inUse >= WARN_SHARE;
}
