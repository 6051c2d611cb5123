import type { ServerDuplexStream } from "@grpc/grpc-js";
import { RequestError } from "../../base/errors.ts";
import type { AllocationKey, NodeName } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { LogData__Output } from "../../proto/generated/gpusched/v1/LogData.ts";
import type { LogRequest } from "../../proto/generated/gpusched/v1/LogRequest.ts";
import type { LogServerMessage__Output } from "../../proto/generated/gpusched/v1/LogServerMessage.ts";
import type { LogStream } from "../../proto/generated/gpusched/v1/LogStream.ts";
import { fromKey } from "./translate/agent.ts";

type Stream = ServerDuplexStream<LogServerMessage__Output, LogRequest>;

/** How long an agent may take for the first word on a request. */
const FIRST_DATA_DEADLINE_MS = 15_000;
const MAX_READERS = 1_000;

export interface LogQuery {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
  readonly stream: LogStream;
}

/** A reader's side of one request. */
interface Reader {
  readonly onData: (data: LogData__Output) => void;
  readonly onLost: () => void;
}

/**
 * Carries job output from agents to readers. Each agent keeps a stream open on which requests go down and output comes up;
 * an agent sends at most 256 KiB beyond what its reader has taken, so that nothing piles up here.
 */
export class LogRelay implements Service {
  readonly #log: Logger;
  readonly #streams = new Map<string, Stream>();
  readonly #readers = new Map<number, { stream: Stream; reader: Reader }>();
  #lastRequest = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The term is over: readers are told that their output breaks off. */
  close(): Promise<void> {
    for (const { reader } of [...this.#readers.values()]) reader.onLost();
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
    return Promise.resolve();
  }

  /** Takes in an agent's log stream. */
  attach(stream: Stream): void {
    let node: string | undefined;
    stream.on("data", (message: LogServerMessage__Output) => {
      if (message.hello && node === undefined) {
        node = message.hello.node_name;
        this.#streams.set(node, stream);
      } else if (message.data) this.#readers.get(message.data.request_id)?.reader.onData(message.data);
    });
    const gone = () => {
      if (node !== undefined && this.#streams.get(node) === stream) this.#streams.delete(node);
      for (const { stream: own, reader } of [...this.#readers.values()]) if (own === stream) reader.onLost();
    };
    stream.on("end", () => {
      gone();
      stream.end();
    });
    stream.on("error", gone);
    stream.on("cancelled", gone);
  }

  /**
   * The output of one rank, as the agent sends it.
   *
   * @throws RequestError `node_away` when the node is not connected or falls silent, `not_found` when it keeps no output
   */
  async *read(node: NodeName, key: AllocationKey, query: LogQuery, signal: AbortSignal): AsyncGenerator<Buffer> {
    const stream = this.#streams.get(node);
    if (!stream) throw away(node, "is not connected", `once ${RETURNS}`);
    if (this.#readers.size >= MAX_READERS)
      throw new RequestError("overloaded", "too many readers of output; try later");
    this.#lastRequest += 1;
    const id = this.#lastRequest;
    const inbox = new Inbox(node);
    this.#readers.set(id, { stream, reader: inbox });
    const onAbort = () => inbox.onLost();
    signal.addEventListener("abort", onAbort);
    try {
      const { follow, tailLines } = query;
      const tail = tailLines === undefined ? {} : { tail_lines: tailLines };
      stream.write({ request_id: id, read: { key: fromKey(key), follow, ...tail, stream: query.stream } });
      for (;;) {
        const data = await inbox.next(follow ? undefined : FIRST_DATA_DEADLINE_MS);
        if (signal.aborted) return;
        if (data.error) throw new RequestError("not_found", data.error);
        if (data.data.length > 0) {
          yield data.data;
          stream.write({ request_id: id, credit: { bytes: data.data.length } });
        }
        if (data.end) return;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#readers.delete(id);
      if (this.#streams.get(node) === stream && !inbox.ended) stream.write({ request_id: id, cancel: {} });
      this.#log.debug({ node, request: id }, "a reader of output has left");
    }
  }
}

const RETURNS = "its agent runs and reaches the controller";

function away(node: string, problem: string, when: string): RequestError {
  return new RequestError("node_away", `Node ${node} ${problem}, and the output is there: try again ${when}`);
}

/** What has come for one reader and was not taken yet: bounded by the agent's credit. */
class Inbox implements Reader {
  readonly #node: string;
  readonly #waiting: LogData__Output[] = [];
  #wake: (() => void) | undefined;
  #lost = false;
  ended = false;

  constructor(node: string) {
    this.#node = node;
  }

  onData(data: LogData__Output): void {
    this.ended ||= data.end;
    this.#waiting.push(data);
    this.#wake?.();
  }

  onLost(): void {
    this.#lost = true;
    this.#wake?.();
  }

  async next(deadlineMs: number | undefined): Promise<LogData__Output> {
    for (;;) {
      const data = this.#waiting.shift();
      if (data) return data;
      if (this.#lost) throw away(this.#node, "has lost its connection", `once ${RETURNS}`);
      const inTime = await this.#arrival(deadlineMs);
      if (!inTime) throw away(this.#node, "does not answer", "a little later");
    }
  }

  #arrival(deadlineMs: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = deadlineMs === undefined ? undefined : setTimeout(() => resolve(false), deadlineMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
