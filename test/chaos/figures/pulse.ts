/** A write every few milliseconds, through every gateway in turn: when nothing was acknowledged, and for how long. */
import { delay } from "../../../base/abort.ts";
import type { RestClient } from "../../support/rest-client.ts";

const EVERY_MS = 50;
/** Writes without an answer, beyond which no more are sent. */
const MAX_OPEN = 200;

export class Pulse {
  /** When writes were acknowledged, in milliseconds since the epoch. */
  readonly #acknowledgedMs: number[] = [];
  readonly #clients: readonly RestClient[];
  readonly #tenant: string;
  #open = 0;

  /** @param tenant whose organization is changed */
  constructor(clients: readonly RestClient[], tenant: string) {
    this.#clients = clients;
    this.#tenant = tenant;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let beat = 0; !signal.aborted; beat += 1, await delay(EVERY_MS, signal)) {
      if (this.#open < MAX_OPEN) void this.#beat(beat);
    }
  }

  /** When the first write after this time was acknowledged, if one was. */
  firstBeatSince(atMs: number): number | undefined {
    return this.#acknowledgedMs.find((acknowledgedMs) => acknowledgedMs > atMs);
  }

  /** The longest time without an acknowledgement that touches the interval. */
  longestGapMs(fromMs: number, toMs: number): number {
    const before = this.#acknowledgedMs.filter((atMs) => atMs < fromMs).at(-1) ?? fromMs;
    const within = this.#acknowledgedMs.filter((atMs) => atMs >= fromMs && atMs <= toMs);
    const times = [before, ...within];
    return Math.max(...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs)));
  }

  async #beat(beat: number): Promise<void> {
    this.#open += 1;
    const client = this.#clients[beat % this.#clients.length];
    const answer = await client?.ask("PATCH", `/tenants/${this.#tenant}`, { organization: `beat ${beat}` });
    this.#open -= 1;
    if (answer?.status === 200) this.#acknowledgedMs.push(Date.now());
  }
}
