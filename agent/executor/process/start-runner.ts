import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { extname, join } from "node:path";

/** Older messages of runners are dropped when there are more. */
const MAX_RUNNER_LOG_BYTES = 1024 * 1024;

/**
 * Starts a runner for the data directory, in a session of its own. If there is one already, the new one ends at once.
 * What is returned tells why this one failed, or undefined while it has not.
 */
export async function startRunner(dataDir: string, socketPath: string): Promise<() => string | undefined> {
  // Beside this file, whether it was compiled or not.
  const runner = join(import.meta.dirname, `runner${extname(import.meta.filename)}`);
  const logPath = join(dataDir, "runner.log");
  const log = await open(logPath, "a", 0o600);
  try {
    if ((await log.stat()).size > MAX_RUNNER_LOG_BYTES) await log.truncate();
    const child = spawn(process.execPath, ["--max-semi-space-size=1", runner, dataDir, socketPath], {
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      cwd: "/",
      env: { ...basicEnvironment(), ...compileCache() },
    });
    let problem: string | undefined;
    child.on("error", (error) => {
      problem = error.message;
    });
    child.on("exit", (code, signal) => {
      if (code !== 0) problem = `it ended with ${signal ?? `code ${code}`}: see ${logPath}`;
    });
    child.unref();
    return () => problem;
  } finally {
    await log.close();
  }
}

/** For the runner alone: it takes it away from what jobs find. */
function compileCache(): Record<string, string> {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}

/** What every job finds in its environment, whatever the agent has in its own. */
function basicEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: homedir(),
    LANG: process.env.LANG ?? "C.UTF-8",
  };
}
