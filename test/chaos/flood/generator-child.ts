/**
 * A process of its own that submits jobs, as cheaply as it can: what it takes of the processor is missing to the cluster that it
 * shares the machine with. Requests are due at even intervals, and are late rather than left out, so that a stall of the cluster is
 * felt by all that were due meanwhile ("coordinated omission" is the mistake of waiting for it instead: G. Tene, "How NOT to Measure
 * Latency", 2015).
 */
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAddress } from "../../../base/address.ts";
import { present } from "../../../base/assert.ts";
import { Connection, type Reply } from "./connection.ts";
import { type Asked, floodBody, type FloodPlan, type FloodReport } from "./plan.ts";

const TICK_MS = 2;
/** A gateway closes connections that were idle for 5 s; what is sent just then has no answer. */
const MOST_IDLE_MS = 3_000;
const STAND_EVERY_MS = 1_000;
const LAST_ANSWER_WITHIN_MS = 20_000;
/** A client that was refused in a closed loop asks again after so long, as it was told. */
const RETRY_AFTER_MS = 1_000;

/** The connections to one gateway. */
class Target {
  readonly #host: string;
  readonly #port: number;
  readonly #most: number;
  /** The one that was idle for the longest first, so that none is closed for it. */
  readonly #idle: { readonly connection: Connection; readonly sinceMs: number }[] = [];
  #count = 0;

  constructor(address: string, most: number) {
    ({ host: this.#host, port: this.#port } = present(parseAddress(address), "the gateway's address"));
    this.#most = most;
  }

  get host(): string {
    return `${this.#host}:${this.#port}`;
  }

  /** A connection that is free; undefined while all that may be are in use. */
  take(): Connection | undefined {
    for (let idle = this.#idle.shift(); idle; idle = this.#idle.shift()) {
      if (idle.connection.isOpen && performance.now() - idle.sinceMs < MOST_IDLE_MS) return idle.connection;
      idle.connection.close();
      this.#count -= 1;
    }
    if (this.#count >= this.#most) return undefined;
    this.#count += 1;
    return new Connection(this.#host, this.#port);
  }

  give(connection: Connection): void {
    if (connection.isOpen) this.#idle.push({ connection, sinceMs: performance.now() });
    else this.#count -= 1;
  }

  /**
   * Opens all connections that there may be, and waits until each has had an answer: a process of Node.js accepts one in each turn
   * of its loop, so that a thousand at once would measure only that.
   */
  async open(): Promise<void> {
    const opened: Connection[] = [];
    for (let one = this.take(); one; one = this.take()) opened.push(one);
    let left = opened.length;
    const ask = (connection: Connection) => {
      return new Promise((resolve) => connection.send(`GET /health HTTP/1.1\r\nHost: ${this.host}\r\n\r\n`, resolve));
    };
    const stand = async (connection: Connection) => {
      await ask(connection);
      left -= 1;
      // None becomes idle while others are still opened.
      for (; left > 0; await sleep(STAND_EVERY_MS)) await ask(connection);
      this.give(connection);
    };
    await Promise.all(opened.map(stand));
  }

  close(): void {
    for (const { connection } of this.#idle) connection.close();
  }
}

class Generator {
  readonly asked: Asked[] = [];
  readonly #plan: FloodPlan;
  readonly #targets: readonly Target[];
  /** When those were due that no connection was free for, oldest first, for each target. */
  readonly #late: number[][];
  #startedMs = 0;
  #numbered = 0;
  #open = 0;

  constructor(plan: FloodPlan) {
    this.#plan = plan;
    this.#targets = plan.targets.map((address) => new Target(address, plan.connections));
    this.#late = plan.targets.map(() => []);
  }

  async run(): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.open()));
    this.#startedMs = performance.now();
    await (this.#plan.perSecond === undefined ? this.#closedLoop() : this.#openLoop(this.#plan.perSecond));
    const giveUpMs = performance.now() + LAST_ANSWER_WITHIN_MS;
    while (this.#open > 0 && performance.now() < giveUpMs) await sleep(TICK_MS);
    for (const target of this.#targets) target.close();
  }

  async #openLoop(perSecond: number): Promise<void> {
    let due = 0;
    for (let ms = 0; ms < this.#plan.forMs; await sleep(TICK_MS), ms = this.#elapsedMs) {
      for (; due < (ms / 1_000) * perSecond; due += 1) {
        this.#ask(due % this.#targets.length, this.#startedMs + (due * 1_000) / perSecond);
      }
    }
  }

  async #closedLoop(): Promise<void> {
    for (let n = 0; n < this.#plan.connections * this.#targets.length; n += 1) {
      this.#ask(n % this.#targets.length, performance.now());
    }
    await sleep(this.#plan.forMs);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  #ask(index: number, dueMs: number): void {
    const target = present(this.#targets[index], "the target");
    const connection = target.take();
    if (!connection) {
      this.#late[index]?.push(dueMs);
      return;
    }
    this.#numbered += 1;
    const name = `${this.#plan.prefix}-${this.#numbered}`;
    const body = JSON.stringify(floodBody(this.#plan.tenant, name));
    const head = `POST /api/v1/jobs HTTP/1.1\r\nHost: ${target.host}\r\nContent-Type: application/json\r\n`;
    const sentMs = performance.now();
    this.#open += 1;
    connection.send(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, (reply) => {
      this.#open -= 1;
      this.#note(name, { dueMs, sentMs, reply });
      target.give(connection);
      this.#next(index, reply.status);
    });
  }

  #next(index: number, status: number): void {
    const late = this.#late[index]?.shift();
    if (late !== undefined) this.#ask(index, late);
    if (this.#plan.perSecond !== undefined) return;
    const askAgain = () => {
      if (this.#elapsedMs < this.#plan.forMs) this.#ask(index, performance.now());
    };
    if (status === 201) askAgain();
    else setTimeout(askAgain, RETRY_AFTER_MS).unref();
  }

  #note(name: string, { dueMs, sentMs, reply }: { dueMs: number; sentMs: number; reply: Reply }): void {
    const id = reply.status === 201 ? (JSON.parse(reply.body) as { job_id: string }).job_id : undefined;
    const [due = 0, sent = 0, returnedMs = 0] = [dueMs, sentMs, performance.now()].map(
      (ms) => performance.timeOrigin + ms,
    );
    const { status, hasRetryAfter } = reply;
    this.asked.push({ name, dueMs: due, sentMs: sent, returnedMs, status, hasRetryAfter, id });
  }
}

const plan = JSON.parse(process.argv[2] ?? "") as FloodPlan;
const generator = new Generator(plan);
const before = process.cpuUsage();
await generator.run();
const { user, system } = process.cpuUsage(before);
const report: FloodReport = { asked: generator.asked, processorMs: (user + system) / 1_000 };
writeFileSync(plan.report, JSON.stringify(report));
process.exit(0);
