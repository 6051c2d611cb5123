/** Disks that are full, and disks that do not keep what they are told to. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { delay } from "../../../base/abort.ts";
import { withSbin } from "../../support/busybox-root.ts";
import type { Program } from "../world/program.ts";
import type { Fault } from "./fault.ts";

const LONGEST_FULL_MS = 10_000;
/** A process that writes at all syncs within this time. */
const SYNCS_WITHIN_MS = 30_000;
/** Whoever runs for so long has got over it. */
const STEADY_MS = 3_000;
const POLL_MS = 50;

export const fillDisk: Fault = {
  name: "fill-disk",
  problem: ({ cramped }) => (cramped.length === 0 ? "it needs a mount namespace" : undefined),
  async happen({ cluster, random, signal }) {
    const victim = random.pick(cluster.cramped);
    if (!victim) return "there is no small disk";
    const { program, disk } = victim;
    program.mayEnd = true;
    disk.fill();
    await delay(random.between(LONGEST_FULL_MS / 2, LONGEST_FULL_MS), signal);
    const ended = program.pid === undefined ? "which had ended" : "which goes on";
    disk.free();
    await untilSteady(program);
    program.mayEnd = false;
    return `of ${program.name}, ${ended}`;
  },
};

/** Its jobs go on, and it too: what it cannot record it must not lose. */
export const fillAgentDisk: Fault = {
  name: "fill-agent-disk",
  problem: ({ agents }) => (agents.some(({ disk }) => disk) ? undefined : "it needs a mount namespace"),
  async happen({ cluster, random, signal }) {
    const victim = random.pick(cluster.agents.filter(({ disk }) => disk));
    if (!victim?.disk) return "there is no small disk";
    victim.disk.fill();
    await delay(random.between(LONGEST_FULL_MS / 2, LONGEST_FULL_MS), signal);
    victim.disk.free();
    return `of ${victim.nodeName}`;
  },
};

/** Every sync of one process that stores fails from now on: it must end without having promised anything. */
export const failSyncs: Fault = {
  name: "fail-fsync",
  problem: () => {
    const isThere = !spawnSync("strace", ["--version"], { env: withSbin(), stdio: "ignore" }).error;
    return isThere ? undefined : "strace is missing: apt-get install strace";
  },
  async happen({ cluster, random, signal }) {
    const victim = random.pick(cluster.members.length > 0 ? cluster.members : cluster.controllers);
    const pid = victim?.pid;
    if (!victim || pid === undefined) return "nobody stored";
    victim.mayEnd = true;
    const calls = "fsync,fdatasync";
    const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=EIO`];
    const strace = spawn("strace", ["-f", "-qqq", "-o", "/dev/null", ...inject, "-p", String(pid)], {
      env: withSbin(),
      stdio: "ignore",
    });
    const exited = once(strace, "exit");
    for (const until = performance.now() + SYNCS_WITHIN_MS; victim.pid === pid; await sleep(POLL_MS)) {
      if (signal.aborted || performance.now() > until) break;
    }
    const ended = victim.pid === pid ? "which went on" : "which ended";
    strace.kill("SIGTERM");
    await exited;
    await untilSteady(victim);
    victim.mayEnd = false;
    return `of ${victim.name}, ${ended}`;
  },
};

/** Whoever looks after it starts it again once it has ended, and what it met before may still end it a moment later. */
async function untilSteady(program: Program): Promise<void> {
  let [pid, since] = [program.pid, performance.now()];
  for (const until = since + SYNCS_WITHIN_MS; performance.now() - since < STEADY_MS; await sleep(POLL_MS)) {
    if (program.pid !== pid || pid === undefined) [pid, since] = [program.pid, performance.now()];
    if (performance.now() > until) throw new Error(`${program.name} does not stay up`);
  }
}
