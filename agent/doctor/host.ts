/** The host as checks see it: files that may not be there, and programs that may not answer. */
import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../../base/errors.ts";
import { type Ran, runProgram } from "../../base/run-program.ts";

const RUN_DEADLINE_MS = 10_000;

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
    return runProgram(command, args, { deadlineMs: this.#deadlineMs });
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
