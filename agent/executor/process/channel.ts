import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";

/** A launch with the longest script and environment, every character of them escaped, is below this. */
const MAX_LINE_LENGTH = 4 * 1024 * 1024;

export interface ChannelHandlers {
  /** A value that was received. Throwing ends the connection. */
  readonly onValue: (value: unknown) => void;
  /** Once, when the connection has ended in whatever way. */
  readonly onClose: (error: Error | undefined) => void;
}

/** A connection that carries JSON values, one on each line. */
export class Channel {
  readonly #socket: Socket;
  #error: Error | undefined;

  constructor(socket: Socket, handlers: ChannelHandlers) {
    this.#socket = socket;
    const decoder = new StringDecoder("utf8");
    let rest = "";
    socket.on("data", (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      try {
        for (const line of lines) if (!socket.destroyed) handlers.onValue(JSON.parse(line));
        if (rest.length > MAX_LINE_LENGTH) throw new Error(`a message exceeds ${MAX_LINE_LENGTH} characters`);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => handlers.onClose(this.#error));
  }

  /** What is sent on a connection that has ended is dropped: the other side asks anew when it is back. */
  send(value: unknown): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(value)}\n`);
  }

  /** Ends the connection after what was sent; nothing more is received. */
  end(): void {
    this.#socket.end(() => this.#socket.destroy());
    this.#socket.removeAllListeners("data");
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
