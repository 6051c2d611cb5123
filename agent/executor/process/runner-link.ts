import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { delay, withDeadline } from "../../../base/abort.ts";
import { exponentialBackoffMs } from "../../../base/backoff.ts";
import { messageOf, RequestError, systemErrorCode } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import { Channel } from "./channel.ts";
import { type News, newsSchema, PROTOCOL_VERSION, type Request } from "./protocol.ts";
import { prepareSocketPath } from "./runner-socket.ts";
import { startRunner } from "./start-runner.ts";
import type { Status } from "./status.ts";

const START_DEADLINE_MS = 10_000;
const CONNECT_PAUSE_MS = 30;
const WELCOME_DEADLINE_MS = 5_000;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

export interface RunnerLinkOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** The connection stands; these jobs the runner has. */
  readonly onWelcome: (jobs: readonly Status[]) => void;
  readonly onChanged: (status: Status) => void;
  /** The connection of the last welcome has ended. */
  readonly onLost: () => void;
}

/** The connection to the data directory's runner: started when there is none, made anew when it is lost. */
export class RunnerLink implements Service {
  readonly #options: RunnerLinkOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #channel: Channel | undefined;
  #problem = "the process runner has not answered yet";
  #firstWelcome = Promise.withResolvers<void>();

  constructor(options: RunnerLinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get isConnected(): boolean {
    return this.#channel !== undefined;
  }

  /** Why there is no connection; undefined while there is one. */
  get problem(): string | undefined {
    return this.#channel ? undefined : this.#problem;
  }

  /** Resolves once a runner has welcomed this executor for the first time, or after the deadline. */
  async settled(deadlineMs: number): Promise<void> {
    await Promise.race([this.#firstWelcome.promise, delay(deadlineMs, this.#closing.signal)]);
  }

  /** Drops what is sent while there is no connection: the next welcome tells what the runner has. */
  send(request: Request): void {
    this.#channel?.send(request);
  }

  /** Ends the connection; the runner and its jobs go on. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const socket = await this.#connect();
        failures = 0;
        if (await this.#converse(socket)) return;
      } catch (error) {
        this.#problem = `the process runner cannot be reached: ${messageOf(error)}`;
        if (!signal.aborted) this.#options.log.warn({ reason: messageOf(error) }, "cannot reach the process runner");
      }
      await delay(exponentialBackoffMs(failures, RETRY_BASE_MS, RETRY_MAX_MS), signal);
      failures += 1;
    }
  }

  /** Connects to the runner, starting one if there is none. */
  async #connect(): Promise<Socket> {
    const { dataDir, log } = this.#options;
    const path = await prepareSocketPath(dataDir);
    const socket = await tryConnect(path);
    if (socket) return socket;
    log.info({ dataDir }, "starting a process runner");
    const problem = await startRunner(dataDir, path);
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!this.#closing.signal.aborted && problem() === undefined && performance.now() < deadline) {
      await delay(CONNECT_PAUSE_MS, this.#closing.signal);
      const started = await tryConnect(path);
      if (started) return started;
    }
    throw new RequestError("unavailable", problem() ?? `it did not begin to listen within ${START_DEADLINE_MS} ms`);
  }

  /** Until the connection ends. True if another executor has taken this one's place, which is then final. */
  async #converse(socket: Socket): Promise<boolean> {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const welcomed = Promise.withResolvers<void>();
    let isReplaced = false;
    const channel: Channel = new Channel(socket, {
      onValue: (value) => {
        const news = newsSchema.parse(value);
        if (news.kind === "welcome") welcomed.resolve();
        if (news.kind === "replaced") isReplaced = true;
        else this.#receive(channel, news);
      },
      onClose: (error) => {
        welcomed.reject(error ?? new Error("it closed the connection"));
        close();
      },
    });
    const destroy = (): void => channel.destroy();
    this.#closing.signal.addEventListener("abort", destroy);
    try {
      channel.send({ kind: "hello", version: PROTOCOL_VERSION } satisfies Request);
      await withDeadline("the process runner", WELCOME_DEADLINE_MS, () => welcomed.promise);
      await closed;
    } finally {
      this.#closing.signal.removeEventListener("abort", destroy);
      channel.destroy();
      this.#lose(channel, isReplaced);
    }
    return isReplaced;
  }

  #receive(channel: Channel, news: Exclude<News, { kind: "replaced" }>): void {
    if (news.kind === "changed") return this.#options.onChanged(news.status);
    this.#channel = channel;
    this.#options.onWelcome(news.jobs);
    this.#firstWelcome.resolve();
  }

  #lose(channel: Channel, isReplaced: boolean): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#problem = isReplaced
      ? "another agent has taken over this data directory's process runner"
      : "the process runner has ended or hung up";
    if (this.#closing.signal.aborted) return;
    this.#options.log.warn({ isReplaced }, "lost the process runner");
    this.#options.onLost();
  }
}

/** Undefined if nobody listens there. */
async function tryConnect(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch (error) {
    socket.destroy();
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw error;
  }
}
