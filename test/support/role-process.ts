/** A role of the program, as a process of its own, followed by what it logs. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { systemErrorCode } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import { startProgram } from "./dev-process.ts";

const WITHIN_MS = 60_000;
const POLL_MS = 20;

/** Closing it kills it; jobs that it started go on. */
export interface RoleProcess extends Service {
  readonly pid: number;
  /** What it has printed so far, log lines included. */
  readonly output: () => string;
  /** The fields of the first log line with this message, once there is one; throws if the process ends without it. */
  untilLogged(message: string): Promise<Record<string, unknown>>;
  /** The exit code once it has ended by itself, null if a signal ended it; throws when it does not end. */
  untilEnded(): Promise<number | null>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL to it and to all of its process group. */
  kill(): Promise<void>;
}

/** Starts `bin/gpusched` with these arguments, and returns at once. */
export function startRole(...args: readonly string[]): RoleProcess {
  return startRoleWith({}, ...args);
}

/** As {@link startRole}, with these variables in its environment. */
export function startRoleWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): RoleProcess {
  const { child, output } = startProgram([...args, "--log-format", "json"], { environment });
  const { pid } = child;
  if (pid === undefined) throw new Error("bin/gpusched cannot be started");
  // "close" and not "exit": all that was printed has then been read.
  const closed = once(child, "close");
  const untilEnded = async (): Promise<number | null> => {
    const outcome = await Promise.race([closed, sleep(WITHIN_MS, undefined, { ref: false })]);
    if (!outcome) throw new Error(`gpusched ${args.join(" ")} has not ended\n${output()}`);
    return child.exitCode;
  };
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const kill = async () => {
    if (!hasEnded()) killGroup(pid);
    await untilEnded();
  };
  return {
    pid,
    output,
    untilLogged: (message) => untilLogged(output, hasEnded, message),
    untilEnded,
    stop: () => {
      child.kill("SIGTERM");
      return untilEnded();
    },
    kill,
    close: kill,
  };
}

async function untilLogged(
  output: () => string,
  hasEnded: () => boolean,
  message: string,
): Promise<Record<string, unknown>> {
  for (const giveUpAt = performance.now() + WITHIN_MS; performance.now() < giveUpAt; await sleep(POLL_MS)) {
    const found = logLines(output()).find(({ msg }) => msg === message);
    if (found) return found;
    if (hasEnded()) break;
  }
  throw new Error(`it has not logged ${JSON.stringify(message)}\n${output()}`);
}

/** The complete log lines; what is printed for people is none. */
function logLines(text: string): Record<string, unknown>[] {
  const complete = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return complete.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The group that `startProgram` gave it. */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}
