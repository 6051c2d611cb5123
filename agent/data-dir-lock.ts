import { stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { withDeadline } from "../base/abort.ts";
import { RequestError, systemErrorCode } from "../base/errors.ts";
import { makeDataDirectory } from "../base/make-directory.ts";
import type { Service } from "../base/service.ts";

const ANSWER_DEADLINE_MS = 2_000;

/**
 * Makes the directory this process's own until it is closed. The lock is an abstract Unix socket named after the
 * directory's inode: the kernel frees it when the process ends in whatever way, so that no stale lock can remain. Whoever
 * connects is told the holder's pid.
 */
export async function lockDataDir(dataDir: string): Promise<Service> {
  makeDataDirectory(dataDir);
  const { dev, ino } = await stat(dataDir, { bigint: true });
  const name = `\0gpusched-agent-${dev}-${ino}`;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(String(process.pid));
  });
  try {
    await listen(server, name);
  } catch (error) {
    if (systemErrorCode(error) !== "EADDRINUSE") throw error;
    throw new RequestError(
      "conflict",
      `the data directory ${dataDir} belongs to another agent, process ${await holderOf(name)}: stop that one first, or give this one its own directory`,
    );
  }
  return { close: () => close(server) };
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(name, () => {
      server.off("error", reject);
      resolve();
    });
    server.unref();
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function holderOf(name: string): Promise<string> {
  try {
    return await withDeadline("the other agent", ANSWER_DEADLINE_MS, (signal) => readPid(name, signal));
  } catch {
    return "unknown (it does not answer)";
  }
}

async function readPid(name: string, signal: AbortSignal): Promise<string> {
  const socket = connect(name);
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += String(chunk);
  return text;
}
