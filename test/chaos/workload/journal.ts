import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";

/** What a client was told, on disk before it goes on: outside of the system whose promises are checked by it. */
export class Journal {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  /** Returns when the line is on disk. */
  append(entry: object): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
