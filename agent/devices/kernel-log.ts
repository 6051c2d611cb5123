import { closeSync, constants, openSync, readSync } from "node:fs";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import type { DeviceEvent } from "./device-source.ts";
import { FaultLines } from "./fault-lines.ts";

/** The longest record that the kernel gives. */
const RECORD_BYTES = 16 * 1024;
/** In one go; the rest is there the next time. */
const MAX_RECORDS = 8_192;

const REFUSED: ReadonlySet<string> = new Set(["EACCES", "EPERM"]);

interface NoKernelLog {
  readonly log: undefined;
  /** It is there, and closed to this process. */
  readonly isRefused: boolean;
  readonly why: string;
}

/** Reads what the kernel's log says of faults, from when it was opened. It never waits. */
export class KernelLog {
  /** Undefined once it is closed: its number may be that of another file by then. */
  #fd: number | undefined;
  readonly #faults = new FaultLines();
  readonly #buffer = Buffer.alloc(RECORD_BYTES);
  #unfinished = "";

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Undefined with a reason where this process may not read it, or it is not there. */
  static open(path = "/dev/kmsg"): { readonly log: KernelLog } | NoKernelLog {
    try {
      const log = new KernelLog(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
      log.#skip();
      return { log };
    } catch (error) {
      const isRefused = REFUSED.has(systemErrorCode(error) ?? "");
      return { log: undefined, isRefused, why: messageOf(error) };
    }
  }

  /** What was said since this was asked last. */
  read(): readonly DeviceEvent[] {
    const events: DeviceEvent[] = [];
    for (const line of this.#lines()) {
      const event = this.#faults.line(line);
      if (event) events.push(event);
    }
    return events;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** What was said before is not of now. */
  #skip(): void {
    while (this.#chunk() !== undefined);
    this.#unfinished = "";
  }

  *#lines(): Generator<string> {
    for (let records = 0; records < MAX_RECORDS; records += 1) {
      const chunk = this.#chunk();
      if (chunk === undefined) return;
      const lines = (this.#unfinished + chunk).split("\n");
      this.#unfinished = lines.pop() ?? "";
      for (const line of lines) yield* messageLines(line);
    }
  }

  /** A record of the kernel's; undefined when there is none now. */
  #chunk(): string | undefined {
    while (this.#fd !== undefined) {
      try {
        const length = readSync(this.#fd, this.#buffer, 0, RECORD_BYTES, null);
        return length === 0 ? undefined : this.#buffer.toString("utf8", 0, length);
      } catch (error) {
        // Records that nobody read in time were overwritten: those after them are still there.
        if (systemErrorCode(error) !== "EPIPE") return undefined;
      }
    }
    return undefined;
  }
}

/** `6,339,5140900,-;message`, in which line ends are written as `\x0a`; what follows it, indented, is not of the message. */
function messageLines(record: string): string[] {
  if (record.startsWith(" ")) return [];
  const message = record.slice(record.indexOf(";") + 1);
  return message.split("\\x0a");
}
