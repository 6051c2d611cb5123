import { type FileHandle, open } from "node:fs/promises";
import { delay } from "../../../base/abort.ts";
import { systemErrorCode } from "../../../base/errors.ts";
import type { LogStreamName, OutputPiece } from "../executor.ts";

const POLL_MS = 1_000;
/** Of what was written between two looks, the last so many bytes are read. */
const MAX_BYTES_A_LOOK = 1024 * 1024;

/**
 * What is appended to both files, by looking at their sizes once a second. Files that do not exist yet are waited for; one
 * that was cut is read from its beginning.
 *
 * @param from how far each was read, as `stdout:stderr` in bytes
 */
export async function* watchFiles(
  paths: Readonly<Record<LogStreamName, string>>,
  from: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<OutputPiece> {
  const [stdout = 0, stderr = 0] = (from ?? "").split(":").map((text) => Number(text) || 0);
  const offsets = { stdout, stderr };
  while (!signal.aborted) {
    for (const stream of ["stdout", "stderr"] as const) {
      const news = await readNews(paths[stream], offsets[stream]);
      offsets[stream] = news.end;
      if (news.data.length === 0) continue;
      yield { stream, data: news.data, atMs: undefined, position: `${offsets.stdout}:${offsets.stderr}` };
    }
    await delay(POLL_MS, signal);
  }
}

async function readNews(path: string, offset: number): Promise<{ readonly data: Buffer; readonly end: number }> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return { data: Buffer.alloc(0), end: 0 };
    throw error;
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(size < offset ? 0 : offset, size - MAX_BYTES_A_LOOK);
    if (start === size) return { data: Buffer.alloc(0), end: size };
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return { data: buffer.subarray(0, bytesRead), end: start + bytesRead };
  } finally {
    await file.close();
  }
}
