/** How answers leave: JSON with its length, and errors in their one form. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorAnswer } from "./errors.ts";

/** On every answer: what it is must not be guessed, framed, cached or leaked to another site. */
export const SECURITY_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
  ["Cache-Control", "no-store"],
];

/** How long input is still swallowed after an answer that ends the connection. */
const LINGER_MS = 1_000;

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  endJson(response, status, JSON.stringify(body));
}

/** `{"error": …}`, with `details` where there are any, and the request's id where the log knows more. */
export function sendError(request: IncomingMessage, response: ServerResponse, answer: ErrorAnswer): void {
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  const body = JSON.stringify({
    error: answer.message,
    ...(answer.fields.length > 0 && { details: answer.fields }),
    ...(answer.status >= 500 && { request_id: response.getHeader("X-Request-Id") }),
  });
  if (!answer.closes) {
    endJson(response, answer.status, body);
    return;
  }
  response.setHeader("Connection", "close");
  startJson(response, answer.status, body);
  response.write(body);
  endAfterInput(request, () => response.end());
}

/** Head and body leave together. */
function endJson(response: ServerResponse, status: number, text: string): void {
  startJson(response, status, text);
  response.end(text);
}

function startJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
  });
}

/** A socket that is closed with input unread is reset, and its peer would lose the answer: swallow what comes, for a while. */
function endAfterInput(request: IncomingMessage, end: () => void): void {
  const timer = setTimeout(end, LINGER_MS);
  request.once("close", () => {
    clearTimeout(timer);
    end();
  });
  request.resume();
}
