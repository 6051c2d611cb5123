/** One keep-alive connection, as cheap as it can be: a request as a string, and of its answer the status and, if wanted, the body. */
import { connect, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";

export interface Reply {
  /** 0 when the connection broke before the answer was whole. */
  readonly status: number;
  readonly body: string;
  readonly hasRetryAfter: boolean;
}

export class Connection {
  readonly #socket: Socket;
  #received = "";
  #onReply: ((reply: Reply) => void) | undefined;
  isOpen = true;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true }).setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#take(text));
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.isOpen = false;
      this.#reply({ status: 0, body: "", hasRetryAfter: false });
    });
  }

  /** One at a time. What is sent before the connection stands is sent when it does. */
  send(request: string, onReply: (reply: Reply) => void): void {
    this.#onReply = onReply;
    this.#socket.write(request, "latin1");
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const reply = parseReply(this.#received);
    if (!reply) return;
    this.#received = "";
    this.#reply(reply);
  }

  #reply(reply: Reply): void {
    const onReply = this.#onReply;
    this.#onReply = undefined;
    onReply?.(reply);
  }
}

/** Undefined while there is more to come. Every answer of a gateway to a submission says how long it is. */
export function parseReply(text: string): Reply | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const body = text.slice(headEnd + HEAD_END.length);
  if (body.length < length) return undefined;
  return { status: Number(head.slice(9, 12)), body, hasRetryAfter: /\r\nretry-after: \d/i.test(head) };
}
