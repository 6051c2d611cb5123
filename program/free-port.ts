import { once } from "node:events";
import { createServer } from "node:net";
import { RequestError, systemErrorCode } from "../base/errors.ts";

/** Refuses, in words that help, a port that is taken. Somebody may still take it a moment later: then starting fails in its own words. */
export async function requireFreePort(host: string, port: number, flag: string): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const why = { EADDRINUSE: "is in use", EACCES: "needs more rights than this user has" }[
      systemErrorCode(error) ?? ""
    ];
    if (why === undefined) throw new RequestError("unavailable", `cannot listen on ${host}`, { cause: error });
    const message = `port ${port} on ${host} ${why}: choose another one, such as ${flag} ${port < 1_024 ? port + 8_000 : port + 1}`;
    throw new RequestError("unavailable", message, { cause: error });
  } finally {
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  }
}
