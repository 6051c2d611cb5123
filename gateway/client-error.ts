/** Answers to what never became a request: bytes that are not HTTP, headers without end, clients that are too slow. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { systemErrorCode } from "../base/errors.ts";

/** How long input is still swallowed, so that the client gets to read the answer. */
const LINGER_MS = 1_000;

/** Sockets that had their answer; what else goes wrong on them is of no interest. */
const answered = new WeakSet<Duplex>();

/** For the server's `clientError`. `hasAnswer` tells whether the answer to the socket's request has already begun. */
export function answerClientError(error: Error, socket: Duplex, hasAnswer: boolean): void {
  if (answered.has(socket)) return;
  answered.add(socket);
  if (hasAnswer || !socket.writable || systemErrorCode(error) === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, message] = answerTo(systemErrorCode(error));
  endWith(socket, status, message);
}

/** For the server's `connect`: no tunnels here. */
export function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  endWith(socket, 405, "Method not allowed", "Allow: GET, HEAD\r\n");
}

function answerTo(code: string | undefined): readonly [status: number, message: string] {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return [408, "Request was not complete in time"];
    case "HPE_HEADER_OVERFLOW":
      return [431, "Request headers are larger than 16 KiB"];
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return [413, "Chunk extensions are too large"];
    default:
      return [400, "Request is not valid HTTP"];
  }
}

function endWith(socket: Duplex, status: number, message: string, headers = ""): void {
  const body = JSON.stringify({ error: message });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n${headers}\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.once("end", () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.resume();
}
