/**
 * The process that jobs are children of: `node runner.ts DATA_DIR SOCKET_PATH`. It outlives the agent, so that jobs do,
 * and so that their exit codes are known. One runs for a data directory; it ends when nobody needs it.
 */
import { existsSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import { giveBackMemory } from "../../../base/give-back.ts";
import { readBootId } from "../../inventory.ts";
import { AttemptFiles } from "./attempt-files.ts";
import { leavePlace } from "./cgroup/group-place.ts";
import { placeFor } from "./cgroup/host-place.ts";
import { announceLimits, withdrawFeatures } from "./runner-features.ts";
import { RunnerServer } from "./runner-server.ts";

const IDLE_EXIT_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
const CAP_LOGS_EVERY_MS = 5_000;

/** False if another runner has this data directory. The kernel frees the name when this process ends in whatever way. */
async function lock(dataDir: string): Promise<boolean> {
  const { dev, ino } = statSync(dataDir, { bigint: true });
  try {
    await listen(
      createServer((socket) => socket.destroy()),
      `\0gpusched-runner-${dev}-${ino}`,
    );
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EADDRINUSE") return false;
    throw error;
  }
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(path, () => {
    server.off("error", reject);
    resolve();
  });
  return promise;
}

/** Serves until nobody needs it any more. */
async function serve(dataDir: string, socketPath: string): Promise<void> {
  const { place, reason } = placeFor(dataDir);
  console.error(`control groups of jobs: ${reason}`);
  const runner = new RunnerServer(new AttemptFiles(dataDir), place, await readBootId());
  const open = async (): Promise<Server> => {
    await rm(socketPath, { force: true });
    const server = createServer((socket) => runner.accept(socket));
    await listen(server, socketPath);
    return server;
  };
  let server = await open();
  const memory = giveBackMemory();
  let lastNeededAtMs = performance.now();
  let cappedAtMs = performance.now();
  while (performance.now() - lastNeededAtMs < IDLE_EXIT_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (!runner.isIdle) lastNeededAtMs = performance.now();
    server = await reopenIfGone(server, open, socketPath);
    if (performance.now() - cappedAtMs < CAP_LOGS_EVERY_MS) continue;
    cappedAtMs = performance.now();
    await runner.capLogs().catch((error: unknown) => console.error(`cannot limit the output: ${messageOf(error)}`));
  }
  await memory.close();
  server.close();
  if (place) leavePlace(place);
}

/** Temporary files are cleaned up on some hosts: without its socket no agent would find the runner's jobs again. */
async function reopenIfGone(server: Server, open: () => Promise<Server>, socketPath: string): Promise<Server> {
  if (existsSync(socketPath)) return server;
  server.close();
  try {
    return await open();
  } catch (error) {
    console.error(`cannot listen at ${socketPath}: ${messageOf(error)}`);
    return server;
  }
}

// Its log is on the disk of the jobs. When that is full nothing can be said, and whoever watches jobs must not end of that.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
delete process.env["NODE_COMPILE_CACHE"];
flushCompileCache();
const [dataDirArgument = "", socketPath = ""] = process.argv.slice(2);
const dataDir = realpathSync(dataDirArgument);
if (await lock(dataDir)) {
  const pidFile = join(dataDir, "runner.pid");
  announceLimits(dataDir);
  writeFileSync(pidFile, `${process.pid}\n`);
  await serve(dataDir, socketPath);
  rmSync(pidFile, { force: true });
  withdrawFeatures(dataDir);
}
process.exit(0);
