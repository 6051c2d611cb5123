import type { LogStreamName } from "../executor/executor.ts";

/** What a job writes on a line of its own when all that it has done so far is safe. */
const MARKER = "::gpusched checkpoint::";
/** A longer line is no marker, whatever comes. */
const MAX_LINE_CHARACTERS = 256;

/** Looks for the marker in output that comes in pieces, each stream for itself. */
export class MarkerFinder {
  /** The beginning of the line that is not complete yet. */
  readonly #rest: Record<LogStreamName, string> = { stdout: "", stderr: "" };

  /** Whether the marker is complete with this piece. Linear in its length. */
  find(stream: LogStreamName, data: Uint8Array): boolean {
    const lines = (
      this.#rest[stream] + Buffer.from(data.buffer, data.byteOffset, data.length).toString("latin1")
    ).split("\n");
    const rest = lines.pop() ?? "";
    this.#rest[stream] = rest.length > MAX_LINE_CHARACTERS ? `#${rest.slice(-1)}` : rest;
    return lines.some((line) => line.includes(MARKER) && line.trim() === MARKER);
  }
}
