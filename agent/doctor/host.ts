/** The host as checks see it: files that may not be there, and programs that may not answer. */
import { execFile } from "node:child_process";
import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, systemErrorCode } from "../../base/errors.ts";

const RUN_DEADLINE_MS = 10_000;
/** After SIGKILL. */
const KILL_MS = 500;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** What became of a program. */
export type Ran =
  | { readonly kind: "missing" }
  | { readonly kind: "late"; readonly afterMs: number }
  | { readonly kind: "ended"; readonly code: number; readonly stdout: string; readonly stderr: string };

export interface FileStatus {
  readonly uid: number;
  readonly gid: number;
  /** The permission bits alone. */
  readonly mode: number;
  readonly isDirectory: boolean;
}

/** Nothing here throws, and nothing waits for longer than its deadline. */
export class Host {
  readonly #root: string;
  readonly #forbidden = new Set<string>();

  readonly #deadlineMs: number;

  /** @param root where the host's files are: another directory than `/` is for tests, and so are other deadlines */
  constructor(root = "/", deadlineMs = RUN_DEADLINE_MS) {
    this.#root = root;
    this.#deadlineMs = deadlineMs;
  }

  /** Where one of the host's files is for this process. */
  path(path: string): string {
    return join(this.#root, path);
  }

  /** What is there, but not for this user. */
  get forbidden(): readonly string[] {
    return [...this.#forbidden];
  }

  /** Undefined when it is not there, or may not be read. */
  read(path: string): Promise<string | undefined> {
    return this.#try(path, async (file) => (await readFile(file, "utf8")).trim());
  }

  /** The names in a directory; none when it is not there. */
  async names(path: string): Promise<readonly string[]> {
    return (await this.#try(path, (directory) => readdir(directory))) ?? [];
  }

  /** What a symbolic link says. */
  link(path: string): Promise<string | undefined> {
    return this.#try(path, (file) => readlink(file));
  }

  /** Where all links on the way lead to. */
  target(path: string): Promise<string | undefined> {
    return this.#try(path, (file) => realpath(file));
  }

  status(path: string): Promise<FileStatus | undefined> {
    return this.#try(path, async (file) => {
      const found = await stat(file);
      return { uid: found.uid, gid: found.gid, mode: found.mode & 0o7777, isDirectory: found.isDirectory() };
    });
  }

  async exists(path: string): Promise<boolean> {
    return (await this.status(path)) !== undefined;
  }

  run(command: string, ...args: readonly string[]): Promise<Ran> {
    const afterMs = this.#deadlineMs;
    const limits = { timeout: afterMs, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES } as const;
    const env = { ...process.env, LC_ALL: "C" };
    return new Promise((resolve) => {
      const child = execFile(command, args, { ...limits, env }, (failure, stdout, stderr) => {
        clearTimeout(late);
        if (failure && (systemErrorCode(failure) === "ENOENT" || systemErrorCode(failure) === "EACCES")) {
          return resolve({ kind: "missing" });
        }
        if (failure?.killed) return resolve({ kind: "late", afterMs });
        const code = typeof failure?.code === "number" ? failure.code : failure ? 1 : 0;
        resolve({ kind: "ended", code, stdout, stderr: stderr || (failure ? messageOf(failure) : "") });
      });
      // One in the hands of a sick driver outlives even SIGKILL: it is not waited for.
      const late = setTimeout(() => {
        child.unref();
        for (const stream of [child.stdout, child.stderr]) stream?.destroy();
        resolve({ kind: "late", afterMs });
      }, afterMs + KILL_MS);
    });
  }

  async #try<T>(path: string, look: (path: string) => Promise<T>): Promise<T | undefined> {
    try {
      return await look(this.path(path));
    } catch (error) {
      if (["EACCES", "EPERM"].includes(systemErrorCode(error) ?? "")) this.#forbidden.add(path);
      return undefined;
    }
  }
}
