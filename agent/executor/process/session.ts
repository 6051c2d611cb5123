import { setTimeout as sleep } from "node:timers/promises";
import { systemErrorCode } from "../../../base/errors.ts";
import { type JobGroup, killJobGroup, processesOfJob } from "./cgroup/job-group.ts";
import { type ProcessId, isAlive, processesIn, sessionMembers } from "./proc-fs.ts";

/** A process in the driver's hands dies only when the driver lets go of it. */
const KILL_DEADLINE_MS = 60_000;
const KILL_PAUSE_MS = { first: 5, most: 500 };

/** Sends SIGTERM to the leader's process group, if the leader still runs. */
export async function terminateGroup(leader: ProcessId): Promise<void> {
  if (await isAlive(leader)) sendSignal(-leader.pid, "SIGTERM");
}

/**
 * Kills every process of the session, again and again until none is left. False if some would not die in a minute: what
 * they hold is then not free.
 */
export function killSession(leader: ProcessId): Promise<boolean> {
  return killAll(() => sessionMembers(leader));
}

/** The same, and with it all that is in the job's control group, in whatever session it is by now. */
export function killJob(leader: ProcessId, group: JobGroup | undefined): Promise<boolean> {
  if (!group) return killSession(leader);
  return killAll(
    async () => [...new Set([...(await sessionMembers(leader)), ...processesOfJob(group)])],
    (pids) => {
      killJobGroup(group, (pid) => sendSignal(pid, "SIGKILL"));
      killEach(pids);
    },
  );
}

/** Kills what is in the group of a job whose leader is not known. */
export function killGroup(group: JobGroup): Promise<boolean> {
  return killAll(
    async () => processesOfJob(group),
    () => killJobGroup(group, (pid) => sendSignal(pid, "SIGKILL")),
  );
}

/** Kills the processes that work in the directory, for a launch of which nothing else is known. */
export function killProcessesIn(directory: string): Promise<boolean> {
  return killAll(() => processesIn(directory));
}

/** Kills those of the processes that still are what they were, in the session of that leader. Whether there were any. */
export async function killMembers(leader: ProcessId, processes: readonly ProcessId[]): Promise<boolean> {
  const members = await sessionMembers(leader);
  let killed = false;
  for (const one of processes) {
    if (!members.includes(one.pid) || !(await isAlive(one))) continue;
    sendSignal(one.pid, "SIGKILL");
    killed = true;
  }
  return killed;
}

function killEach(pids: readonly number[]): void {
  for (const pid of pids) sendSignal(pid, "SIGKILL");
}

async function killAll(
  find: () => Promise<readonly number[]>,
  kill: (pids: readonly number[]) => void = killEach,
): Promise<boolean> {
  const deadline = performance.now() + KILL_DEADLINE_MS;
  for (let pause = KILL_PAUSE_MS.first; ; pause = Math.min(pause * 2, KILL_PAUSE_MS.most)) {
    const pids = await find();
    if (pids.length === 0) return true;
    if (performance.now() > deadline) return false;
    kill(pids);
    await sleep(pause);
  }
}

/** A negative pid is a process group. Processes that are gone, or that are another user's, are passed over. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
