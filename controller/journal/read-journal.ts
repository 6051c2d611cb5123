import { createHash, type Hash } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import type { Row } from "../store/store.ts";
import { asBatch, asHeader, asLoaded, asRow, JOURNAL_FORMAT, type JournalBatch, type JournalHeader } from "./format.ts";
import { type Line, readLines } from "./read-lines.ts";
import { openLine } from "./sealed-line.ts";

/**
 * Why a journal cannot be read on.
 *
 * - `unreadable` the file cannot be opened or read
 * - `foreign` it is no journal, or one of another format
 * - `damaged` a line is not as it was written, or not where it belongs
 */
export type JournalErrorCode = "unreadable" | "foreign" | "damaged";

/** The message is a sentence for the operator that names the line. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What a journal holds, in the order of the file: a header, its rows, batches; `cut` can only be the last. */
export type JournalEntry =
  /** `text` is the line itself, its line feed included: the hash chain begins with it. */
  | { readonly kind: "header"; readonly line: number; readonly header: JournalHeader; readonly text: string }
  | { readonly kind: "row"; readonly line: number; readonly row: Row }
  | { readonly kind: "batch"; readonly line: number; readonly batch: JournalBatch }
  /** The last line was not written whole: its process ended. What it would have told is not known. */
  | { readonly kind: "cut"; readonly line: number };

/**
 * Reads the journal of a term as it is asked for: memory for a line at a time.
 *
 * @throws JournalError once what precedes the problem has been given
 */
export async function* readJournal(path: string): AsyncGenerator<JournalEntry> {
  let reader: JournalReader | undefined;
  try {
    for await (const line of readLines(path)) {
      if (!line.isWhole && reader?.isLoaded) {
        yield { kind: "cut", line: line.number };
        return;
      }
      if (!reader) {
        const header = readHeader(line);
        reader = new JournalReader(header, line);
        yield { kind: "header", line: line.number, header, text: `${line.text}\n` };
        continue;
      }
      const entry = reader.read(line);
      if (entry) yield entry;
    }
  } catch (error) {
    if (error instanceof JournalError) throw error;
    const code = error instanceof RangeError ? "damaged" : "unreadable";
    throw new JournalError(code, `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (!reader) throw new JournalError("foreign", "the file is empty");
  if (!reader.isLoaded) throw damaged(reader.lines, "the file ends before the state was written whole");
}

/** Knows which kind of line must come next. */
class JournalReader {
  readonly #rows: number;
  readonly #hash: Hash;
  lines = 1;
  isLoaded = false;

  constructor(header: JournalHeader, line: Line) {
    this.#rows = header.rows;
    this.#hash = createHash("sha256").update(`${line.text}\n`);
  }

  /** Undefined for a line that is only there to check the others. */
  read({ text, number, isWhole }: Line): JournalEntry | undefined {
    this.lines = number;
    const fields = openLine(text);
    if (!isWhole) throw damaged(number, "the file ends before the state was written whole");
    if (fields === undefined) throw damaged(number, "its checksum is not that of its text");
    if (this.isLoaded) {
      const batch = asBatch(fields);
      if (!batch) throw damaged(number, "this is no batch");
      return { kind: "batch", line: number, batch };
    }
    if (number > this.#rows + 1) {
      const isRight = asLoaded(fields) === this.#hash.digest("hex");
      if (!isRight) throw damaged(number, "the rows above it are not those that were written");
      this.isLoaded = true;
      return undefined;
    }
    this.#hash.update(`${text}\n`);
    const row = asRow(fields);
    if (!row) throw damaged(number, "this is no row");
    return { kind: "row", line: number, row };
  }
}

function readHeader({ text, number, isWhole }: Line): JournalHeader {
  if (!isWhole && text.startsWith('{"format":')) throw damaged(number, "the file ends within its header");
  const { format, version } = parseLoosely(text);
  if (typeof format !== "number") throw new JournalError("foreign", "this is not a journal of gpusched");
  if (format !== JOURNAL_FORMAT) {
    const message = `the journal has format ${format}, written by version ${String(version)}; this version reads format ${JOURNAL_FORMAT}`;
    throw new JournalError("foreign", message);
  }
  const header = asHeader(openLine(text));
  if (!header) throw damaged(number, "the header is not as it was written");
  return header;
}

function parseLoosely(text: string): { readonly format?: unknown; readonly version?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function damaged(line: number, what: string): JournalError {
  return new JournalError("damaged", `line ${line} is damaged: ${what}`);
}
