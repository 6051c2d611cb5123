import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Connects, says something that is no message, and is hung up on: the runner tells its log. */
async function annoy(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect");
    socket.write("nonsense\n");
    socket.resume();
    await once(socket, "close");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test("a log that takes nothing, as on a full disk, does not end the runner", async () => {
  const directory = await mkdtemp(join(tmpdir(), "gpusched-runner-"));
  const socketPath = join(directory, "socket");
  const full = openSync("/dev/full", "w");
  const runner = spawn(process.execPath, [join(import.meta.dirname, "runner.ts"), directory, socketPath], {
    stdio: ["ignore", full, full],
  });
  closeSync(full);
  try {
    await expect.poll(() => annoy(socketPath), { timeout: 30_000, interval: 20 }).toBe(true);
    for (let time = 0; time < 3; time += 1) expect(await annoy(socketPath)).toBe(true);
    expect(runner.exitCode).toBeNull();
  } finally {
    runner.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
});
