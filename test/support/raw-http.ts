/** HTTP by hand: what ordinary clients refuse to send, and what they hide of the answer. */
import { connect, type Socket } from "node:net";
import { parseAddress } from "../../base/address.ts";
import { present } from "../../base/assert.ts";

/** Until the server must have closed the connection. */
const DEADLINE_MS = 10_000;

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends the bytes, in order, and gives the answer once the server has closed the connection; status 0 when there was none. */
export function exchange(address: string, parts: Iterable<string | Uint8Array>): Promise<RawAnswer> {
  const { host, port } = present(parseAddress(address), "the address");
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host, port }, () => {
      void write(socket, parts);
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`connection still open after ${DEADLINE_MS} ms; so far: ${Buffer.concat(chunks).toString()}`));
    }, DEADLINE_MS);
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server that closes with input unread resets the connection; what it had sent counts all the same.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(parseAnswer(Buffer.concat(chunks).toString("utf8")));
    });
  });
}

async function write(socket: Socket, parts: Iterable<string | Uint8Array>): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed || !socket.writable) return;
    if (!socket.write(part)) await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
  }
}

/** The last answer that is not merely `100 Continue`. */
function parseAnswer(text: string): RawAnswer {
  const rest = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, "");
  const [head = "", ...bodyParts] = rest.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
  });
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return { status, headers: new Map(headers), body: bodyParts.join("\r\n\r\n") };
}

export interface PlainRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** The request as bytes; it asks for the connection to be closed after the answer. */
export function render({ method, target, headers = {}, body }: PlainRequest): (string | Uint8Array)[] {
  const all: Record<string, string> = { Host: "localhost", Connection: "close", ...headers };
  const isChunked = Object.keys(all).some((name) => name.toLowerCase() === "transfer-encoding");
  if (body !== undefined && !isChunked) all["Content-Length"] ??= String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return [`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, ...(body === undefined ? [] : [body])];
}
