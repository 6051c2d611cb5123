import { Agent, request } from "node:http";
import { json, text } from "node:stream/consumers";

const ANSWER_DEADLINE_MS = 30_000;

/** A client of one server that keeps its connections open. Anything but success is thrown. */
export class HttpClient {
  readonly #agent: Agent;
  readonly #host: string;
  readonly #port: string;

  constructor(address: string, connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    [this.#host = "", this.#port = ""] = address.split(":");
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.#call("POST", path, JSON.stringify(body), json) as Promise<T>;
  }

  get<T>(path: string): Promise<T> {
    return this.#call("GET", path, undefined, json) as Promise<T>;
  }

  getText(path: string): Promise<string> {
    return this.#call("GET", path, undefined, text);
  }

  close(): void {
    this.#agent.destroy();
  }

  #call<T>(
    method: string,
    path: string,
    body: string | undefined,
    read: (answer: NodeJS.ReadableStream) => Promise<T>,
  ): Promise<T> {
    const headers =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const call = request(
        { agent: this.#agent, host: this.#host, port: this.#port, method, path, headers, timeout: ANSWER_DEADLINE_MS },
        (answer) => {
          const { statusCode = 0 } = answer;
          if (statusCode < 300) read(answer).then(resolve, reject);
          else text(answer).then((why) => reject(new Error(`${method} ${path}: ${statusCode} ${why}`)), reject);
        },
      );
      call.on("error", reject);
      call.on("timeout", () =>
        call.destroy(new Error(`${method} ${path} was not answered within ${ANSWER_DEADLINE_MS} ms`)),
      );
      call.end(body);
    });
  }
}
