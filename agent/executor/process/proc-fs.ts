/** What the kernel tells of processes. Everything here is a moment's truth. */
import { readdirSync, readFileSync } from "node:fs";
import { readlink } from "node:fs/promises";

/** A process, told apart from a later one of the same pid by when it started. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since the boot. */
  readonly startTicks: number;
}

export interface ProcessStat extends ProcessId {
  /** Of its program, cut off after 15 characters. */
  readonly name: string;
  readonly session: number;
  /** It has ended and waits to be reaped: it holds nothing any more. */
  readonly isDead: boolean;
}

/** Identifies a child of this process, which must not have been reaped: call it in the turn that spawned it. */
export function identifyChild(pid: number): ProcessId {
  const { startTicks } = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  return { pid, startTicks };
}

/** Whether this very process still runs. */
export async function isAlive(process: ProcessId): Promise<boolean> {
  const stat = processStat(process.pid);
  return stat !== undefined && !stat.isDead && stat.startTicks === process.startTicks;
}

/** The processes of the session that the process leads or led. None if its pid by now belongs to another process. */
export async function sessionMembers(leader: ProcessId): Promise<readonly number[]> {
  const all = allProcesses();
  const wasReused = all.some((one) => one.pid === leader.pid && one.startTicks !== leader.startTicks);
  if (wasReused) return [];
  return all.filter((one) => one.session === leader.pid && !one.isDead).map((one) => one.pid);
}

/** The processes whose working directory is the given one. */
export async function processesIn(directory: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const pid of allPids()) {
    if ((await unlessGone(readlink(`/proc/${pid}/cwd`))) === directory) pids.push(pid);
  }
  return pids;
}

function allProcesses(): ProcessStat[] {
  return allPids()
    .map(processStat)
    .filter((stat) => stat !== undefined);
}

/** The control groups that the process is in, as the kernel tells them; empty for one that is gone. */
export function cgroupsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    // Gone meanwhile.
    return "";
  }
}

/** Of every process on the host. */
export function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Undefined for one that is gone. Without waiting: the kernel answers from memory in 10 µs, and a thread of the pool in 200. Every process is read for each job's end. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // Gone meanwhile.
    return undefined;
  }
}

/** Fields as in proc(5). The name, field 2, may contain blanks and parentheses: fields are counted after its last one. */
function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): string => fields[number - 3] ?? "";
  return {
    pid: Number.parseInt(text, 10),
    name: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")),
    session: Number(field(6)),
    startTicks: Number(field(22)),
    isDead: field(3) === "Z" || field(3) === "X",
  };
}

/** A process may end at any moment, and others' may not be looked into. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    return undefined;
  }
}
