import { once } from "node:events";
import { createServer } from "node:net";
import { systemErrorCode } from "../../base/errors.ts";

/** Below the ports that the kernel gives to clients: such a port stays free while a server on it is down. */
const FIRST = 10_000;
const COUNT = 10_000;
const MAX_TRIES = 100;

/** A port of 127.0.0.1 that is free, for a server that must be found on it again after a restart. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among ${MAX_TRIES} that were tried`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    if (systemErrorCode(error) === "EADDRINUSE") return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}
