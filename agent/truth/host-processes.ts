import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { cgroupsOf, processStat } from "../executor/process/proc-fs.ts";
import { type HostProcess, identityOf } from "./core/sighting.ts";

/** What the kernel keeps of a program's name. */
const COMM_LENGTH = 15;
/** Of a command line: enough for the path of a program. */
const MAX_COMMAND_BYTES = 4_096;

/** What does not change in the life of a process, but for its leader's. */
type Lasting = Omit<HostProcess, "leaderStartTicks">;

/** Reads of the processes that a driver names what the kernel knows; what does not change is read once. */
export class HostProcesses {
  #known = new Map<string, Lasting>();
  #users: ReadonlyMap<number, string> | undefined;

  /** Those that live, by pid. */
  read(pids: Iterable<number>): ReadonlyMap<number, HostProcess> {
    const found = new Map<number, HostProcess>();
    const known = new Map<string, Lasting>();
    for (const pid of new Set(pids)) {
      const lasting = pid > 0 ? this.#read(pid) : undefined;
      if (!lasting) continue;
      known.set(identityOf(lasting), lasting);
      const leader = processStat(lasting.session);
      found.set(pid, { ...lasting, leaderStartTicks: leader?.startTicks });
    }
    this.#known = known;
    return found;
  }

  #read(pid: number): Lasting | undefined {
    const stat = processStat(pid);
    if (!stat || stat.isDead) return undefined;
    const { startTicks, session } = stat;
    const known = this.#known.get(identityOf(stat));
    // A process may lead a session of its own later, and go into another control group while it is started.
    const containerIds = known?.session === session ? known.containerIds : containersIn(cgroupsOf(pid));
    const what = known ?? { command: commandOf(pid, stat.name), user: this.#userOf(pid) };
    return { pid, startTicks, session, containerIds, command: what.command, user: what.user };
  }

  #userOf(pid: number): string {
    try {
      const { uid } = statSync(`/proc/${pid}`);
      this.#users ??= readUsers();
      return this.#users.get(uid) ?? String(uid);
    } catch {
      return "unknown";
    }
  }
}

/** The container ids in the names of control groups, the outermost first: `docker-<id>.scope`, `/docker/<id>`, `/kubepods/…/<id>`. */
export function containersIn(cgroups: string): readonly string[] {
  return [
    ...new Set(cgroups.split("\n").flatMap((line) => line.match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g) ?? [])),
  ];
}

/** The kernel cuts names off; the command line has the whole one, unless the program has changed it. */
function commandOf(pid: number, name: string): string {
  if (name.length < COMM_LENGTH) return name;
  const program = basename(firstArgument(pid));
  return program.startsWith(name) ? program : name;
}

function firstArgument(pid: number): string {
  try {
    const file = openSync(`/proc/${pid}/cmdline`, "r");
    try {
      const buffer = Buffer.alloc(MAX_COMMAND_BYTES);
      const length = readSync(file, buffer, 0, MAX_COMMAND_BYTES, 0);
      return buffer.toString("utf8", 0, length).split("\0")[0] ?? "";
    } finally {
      closeSync(file);
    }
  } catch {
    // Gone meanwhile, or another's.
    return "";
  }
}

function readUsers(): ReadonlyMap<number, string> {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    // The first of several names counts.
    const users = lines.flatMap((line) => {
      const [, name = "", uid] = /^([^:]+):[^:]*:(\d+):/.exec(line) ?? [];
      return uid === undefined ? [] : [[Number(uid), name] as const];
    });
    return new Map(users.toReversed());
  } catch {
    return new Map();
  }
}
