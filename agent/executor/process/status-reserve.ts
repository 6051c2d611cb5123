/** Room on the disk for one more record of an attempt: taken before it starts, so that its end can be recorded on a full disk. */
import { open, readFile } from "node:fs/promises";
import { systemErrorCode } from "../../../base/errors.ts";
import { type Status, statusSchema } from "./status.ts";

const BLOCK_BYTES = 4_096;
/** How much longer than at its start a record may become. */
const GROWTH_BYTES = 2_048;
/** What is kept of a sentence that would not fit. */
const MAX_MESSAGE_LENGTH = 500;

/** Makes the file, unless it is there. Rejects with `ENOSPC` when there is no room for it: then nothing should be started. */
export async function makeReserve(path: string, status: Status): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    const bytes = Math.ceil((Buffer.byteLength(JSON.stringify(status)) + GROWTH_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
    // Blanks and not a hole: a hole has no room.
    if ((await file.stat()).size < bytes) await file.writeFile(Buffer.alloc(bytes, " "));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes the record over the blanks. Durable once it resolves; one that is cut off reads as none. */
export async function writeReserve(path: string, status: Status): Promise<void> {
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    const record = Buffer.alloc(size, " ");
    const text = Buffer.from(JSON.stringify(shortened(status)));
    if (text.length > size) throw new Error(`the record has ${text.length} bytes, and there is room for ${size}`);
    text.copy(record);
    await file.write(record, 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Undefined where nothing had to be written there. */
export async function readReserve(path: string): Promise<Status | undefined> {
  try {
    return statusSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (systemErrorCode(error) !== undefined && systemErrorCode(error) !== "ENOENT") throw error;
    return undefined;
  }
}

function shortened(status: Status): Status {
  const { state } = status;
  if (state.phase !== "ended") return status;
  return {
    ...status,
    state: { ...state, end: { ...state.end, message: state.end.message.slice(0, MAX_MESSAGE_LENGTH) } },
  };
}
