/** One fault at one system call of the store, and what must hold after it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { messageOf } from "../../base/errors.ts";
import { silentLogger } from "../../base/logger.ts";
import { dataPaths } from "../../controller/store/sqlite/data-directory.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";
import { hashAt, hashOf } from "./workload.ts";

const CHILD = join(import.meta.dirname, "store-child.ts");
const SYNCS: readonly string[] = ["fsync", "fdatasync"];
const WRITES: readonly string[] = ["pwrite64", "write", "ftruncate", "rename", "unlink"];
/** What the child ends with when the store refuses. */
const EXIT_REFUSED = 3;
/** So many calls before its end the child is killed that leaves the beginning `killed`: its log is not yet in the database. */
const LEFT_EARLY = 200;

/** What happens at a system call, which is then not carried out. */
const FAULTS = {
  kill: { calls: [...WRITES, ...SYNCS], action: "signal=KILL", isLasting: false },
  "one sync fails": { calls: SYNCS, action: "error=EIO", isLasting: false },
  "all syncs fail": { calls: SYNCS, action: "error=EIO", isLasting: true },
  "the disk is full": { calls: WRITES, action: "error=ENOSPC", isLasting: true },
} as const;
export type Fault = keyof typeof FAULTS;
/** What the child finds when it starts: nothing, or what a killed one has left. */
export type Beginning = "new" | "killed";

/** A fault at one of the calls of a run. */
export interface CrashPoint {
  readonly beginning: Beginning;
  readonly fault: Fault;
  readonly calls: readonly string[];
  readonly index: number;
}

interface Outcome {
  readonly said: string;
  readonly code: number | null;
  /** What the store had when it was opened; undefined when it was not. */
  readonly opened: { readonly term: number; readonly revision: number } | undefined;
  /** The last revision that was acknowledged. */
  readonly acknowledged: number;
}

/** Faults at calls of a process that opens a store, commits so many batches and closes it. */
export class CrashPoints {
  readonly #directory = realpathSync(mkdtempSync(join(tmpdir(), "gpusched-crash-")));
  readonly #batches: number;
  /** What is stored in the beginning. */
  readonly #revisions: Record<Beginning, number> = { new: 0, killed: 0 };
  #runs = 0;

  constructor(batches: number) {
    this.#batches = batches;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Leaves a directory behind as a killed controller would: for the beginning `killed`. */
  async prepare(): Promise<void> {
    const calls = await this.callsOf("new", "kill");
    const dataDir = join(this.#directory, "killed");
    const args = [...traceArgs(dataDir, "kill"), ...injectArgs("kill", calls, calls.length - LEFT_EARLY)];
    const { acknowledged, said } = await this.#runChild(dataDir, args);
    if (acknowledged === 0) throw new Error(`nothing is left to begin with: ${said}`);
    this.#revisions.killed = acknowledged;
  }

  /** The names of the calls at which the fault could happen, in order. */
  async callsOf(beginning: Beginning, fault: Fault): Promise<readonly string[]> {
    const dataDir = this.#begin(beginning);
    const { code, said } = await this.#runChild(dataDir, traceArgs(dataDir, fault));
    if (code !== 0) throw new Error(`without a fault it ended with ${code}: ${said}`);
    rmSync(dataDir, { recursive: true });
    // A call during which another thread did something takes two lines; the second does not match.
    return [...readFileSync(`${dataDir}.trace`, "utf8").matchAll(/^\d+ +(\w+)\(/gm)].map((match) => match[1] ?? "");
  }

  /** Lets the fault happen at one of the calls, then compares what is left. Undefined if all is well. */
  async run({ beginning, fault, calls, index }: CrashPoint): Promise<string | undefined> {
    const dataDir = this.#begin(beginning);
    const args = [...traceArgs(dataDir, fault), ...injectArgs(fault, calls, index)];
    const outcome = await this.#runChild(dataDir, args);
    const problem = wrongEnd(fault, outcome) ?? (await wrongState(dataDir, outcome, this.#revisions[beginning]));
    if (problem === undefined) rmSync(dataDir, { recursive: true, force: true });
    return (
      problem &&
      `${fault}, ${beginning}, ${calls[index]} (call ${index}): ${problem}; it said ${JSON.stringify(outcome.said)}`
    );
  }

  #begin(beginning: Beginning): string {
    this.#runs += 1;
    const dataDir = join(this.#directory, `run-${this.#runs}`);
    if (beginning === "killed") cpSync(join(this.#directory, "killed"), dataDir, { recursive: true });
    return dataDir;
  }

  async #runChild(dataDir: string, straceArgs: readonly string[]): Promise<Outcome> {
    const args = [...straceArgs, process.execPath, CHILD, dataDir, String(this.#batches)];
    const child = spawn("strace", args, { stdio: ["ignore", "pipe", "inherit"] });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "close") as Promise<[number | null]>]);
    const [, term, revision] = /^open (\d+) (\d+)\n/m.exec(said) ?? [];
    const opened = term === undefined ? undefined : { term: Number(term), revision: Number(revision) };
    // A line without its end is none.
    const acknowledged = [...said.matchAll(/^(\d+)\n/gm)].map((match) => Number(match[1]));
    return { said: said.slice(-300), code, opened, acknowledged: Math.max(0, ...acknowledged) };
  }
}

/** Only calls on the files of the store count: those that say what was acknowledged do not. */
function traceArgs(dataDir: string, fault: Fault): string[] {
  const files = Object.values(dataPaths(dataDir)).flatMap((path) => [path, `${path}.new`, `${path}.new-wal`]);
  const calls = FAULTS[fault].calls.join(",");
  return ["-f", "-qqq", "-o", `${dataDir}.trace`, "-e", `trace=${calls}`, ...files.flatMap((path) => ["-P", path])];
}

/** strace counts the calls of each name for itself. */
function injectArgs(fault: Fault, calls: readonly string[], index: number): string[] {
  const { action, isLasting } = FAULTS[fault];
  const names = isLasting ? FAULTS[fault].calls : [calls[index] ?? ""];
  return names.flatMap((name) => {
    const before = calls.slice(0, index).filter((other) => other === name).length;
    return ["-e", `inject=${name}:${action}:when=${before + 1}${isLasting ? "+" : ""}`];
  });
}

/** A fault must end the process, unless the store could do without the call; it is never told as damage. */
function wrongEnd(fault: Fault, { code, said }: Outcome): string | undefined {
  if (fault === "kill") return code === 0 ? "it went on" : undefined;
  if (said.includes("refused ") && !/^refused (failed|full) .*\n$/m.test(said)) return "it refused for another reason";
  return code === 0 || code === EXIT_REFUSED ? undefined : `it ended with ${code}`;
}

async function wrongState(dataDir: string, outcome: Outcome, before: number): Promise<string | undefined> {
  try {
    const store = await openSqliteStore({ dataDir, log: silentLogger, owner: { address: "127.0.0.1:7000" } });
    try {
      const { term, revision, rows } = await store.load();
      const least = Math.max(outcome.acknowledged, outcome.opened?.revision ?? 0, before);
      if (revision < least) return `revision ${revision} is left of ${least}`;
      if (revision > least + 1) return `revision ${revision} is there, and only ${least} was acknowledged`;
      if (term <= (outcome.opened?.term ?? 0)) return `term ${term} follows term ${outcome.opened?.term}`;
      if (hashOf(rows) !== hashAt(revision)) return `the rows are not those of revision ${revision}`;
      if ((await store.commit([])) !== revision + 1) return "the next commit is not the next revision";
      return undefined;
    } finally {
      await store.close();
    }
  } catch (error) {
    return `it cannot be opened: ${messageOf(error)}`;
  }
}
