import { execFile } from "node:child_process";
import { messageOf, systemErrorCode } from "./errors.ts";

/** After SIGKILL. */
const KILL_MS = 500;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** What became of a program. */
export type Ran =
  | { readonly kind: "missing" }
  | { readonly kind: "late"; readonly afterMs: number }
  | { readonly kind: "ended"; readonly code: number; readonly stdout: string; readonly stderr: string };

export interface RunOptions {
  readonly deadlineMs: number;
  /** What it reads; nothing by default. */
  readonly input?: string;
  /** Beside this process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program that says little and speaks English. Never rejects, and waits for no longer than the deadline and a moment. */
export function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { deadlineMs: afterMs, input, env } = options;
  const limits = { timeout: afterMs, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES } as const;
  return new Promise((resolve) => {
    const all = { ...limits, env: { ...process.env, LC_ALL: "C", ...env } };
    const child = execFile(command, args, all, (failure, stdout, stderr) => {
      clearTimeout(late);
      if (failure && (systemErrorCode(failure) === "ENOENT" || systemErrorCode(failure) === "EACCES")) {
        return resolve({ kind: "missing" });
      }
      if (failure?.killed) return resolve({ kind: "late", afterMs });
      const code = typeof failure?.code === "number" ? failure.code : failure ? 1 : 0;
      resolve({ kind: "ended", code, stdout, stderr: stderr || (failure ? messageOf(failure) : "") });
    });
    if (input !== undefined) {
      // One that ends without having read it has said why.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
    }
    // One in the hands of a sick driver outlives even SIGKILL: it is not waited for.
    const late = setTimeout(() => {
      child.unref();
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      resolve({ kind: "late", afterMs });
    }, afterMs + KILL_MS);
  });
}
