import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";

const CHILD = join(import.meta.dirname, "../integration/etcd-leader-child.ts");
const WITHIN_MS = 30_000;
const POLL_MS = 5;

export interface Place {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly leaseTtlMs: number;
}

export function newCandidate(place: Place, instance: string): EtcdCandidate {
  return new EtcdCandidate({
    ...place,
    address: `${instance}:7000`,
    instance,
    // As Debian's is.
    allowsOld: true,
    clock: systemClock,
    log: silentLogger,
  });
}

/** A candidate in a process of its own: see etcd-leader-child.ts. */
export interface LeaderProcess {
  /** What it has said so far. */
  lines(): readonly string[];
  acknowledged(): number;
  until(pattern: RegExp): Promise<void>;
  pause(): void;
  resume(): void;
  /** Asks it to resign, and waits for its end. */
  resign(): Promise<void>;
  kill(): Promise<void>;
}

export function startLeaderProcess({ endpoints, prefix, leaseTtlMs }: Place, instance: string): LeaderProcess {
  const args = [CHILD, endpoints.join(","), prefix, instance, String(leaseTtlMs)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => undefined);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const closed = once(child, "close");
  const lines = () => output.split("\n").slice(0, -1);
  return {
    lines,
    acknowledged: () => Math.max(0, ...lines().map(Number).filter(Number.isFinite)),
    until: (pattern) => waitUntil(() => lines().some((line) => pattern.test(line)), `it says ${pattern}: ${output}`),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    resign: async () => {
      child.stdin.end();
      await closed;
    },
    kill: () => kill(child, closed),
  };
}

async function kill(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  child.kill("SIGKILL");
  await closed;
}

export async function waitUntil(holds: () => boolean, what: string): Promise<void> {
  const giveUpAtMs = performance.now() + WITHIN_MS;
  while (!holds()) {
    if (performance.now() > giveUpAtMs) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
