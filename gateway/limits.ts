/** A token bucket for each client: so many requests a second, and as many at once after a quiet second. */
import { isIPv4 } from "node:net";

/** Clients remembered at most; the one not seen for the longest is forgotten first. */
const MAX_CLIENTS = 100_000;

export interface RateLimitOptions {
  readonly perSecond: number;
  /** Milliseconds on a clock that never jumps. */
  readonly now: () => number;
  readonly maxClients?: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests left at once. */
  readonly remaining: number;
  /** Seconds until the bucket is full again, and until one more request is allowed; rounded up. */
  readonly resetSeconds: number;
  readonly retryAfterSeconds: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimiter {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #maxClients: number;
  /** In the order of their last request. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#perSecond = options.perSecond;
    this.#now = options.now;
    this.#maxClients = options.maxClients ?? MAX_CLIENTS;
  }

  get clients(): number {
    return this.#buckets.size;
  }

  /** Takes a token of the client's, if there is one. */
  take(client: string): RateDecision {
    const bucket = this.#refilled(client);
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    return {
      allowed,
      limit: this.#perSecond,
      remaining: Math.floor(bucket.tokens),
      resetSeconds: Math.ceil((this.#perSecond - bucket.tokens) / this.#perSecond),
      retryAfterSeconds: Math.ceil(Math.max(0, 1 - bucket.tokens) / this.#perSecond),
    };
  }

  #refilled(client: string): Bucket {
    const atMs = this.#now();
    const bucket = this.#buckets.get(client) ?? { tokens: this.#perSecond, atMs };
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + ((atMs - bucket.atMs) / 1_000) * this.#perSecond);
    bucket.atMs = atMs;
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > this.#maxClients) this.#forgetOldest();
    return bucket;
  }

  #forgetOldest(): void {
    for (const client of this.#buckets.keys()) {
      this.#buckets.delete(client);
      return;
    }
  }
}

/** Whom an address counts as: an IPv4 address is a client of its own, of IPv6 the /64, within which addresses are free to take. */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return "unknown";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  return isIPv4(address) ? address : ipv6Network(address);
}

function ipv6Network(address: string): string {
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array<string>(zeros).fill("0"), ...after];
  return `${all.slice(0, 4).join(":")}::/64`;
}
