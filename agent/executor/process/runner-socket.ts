import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { RequestError } from "../../../base/errors.ts";
import { makeDirectory } from "../../../base/make-directory.ts";

/** The kernel takes 107 bytes. */
const MAX_SOCKET_PATH_BYTES = 100;

/**
 * Where the runner of a data directory listens: below it, or in this user's own directory for temporary files where that
 * path would be too long for a socket. Only this user can reach it: whoever can, can run anything as this user.
 */
export async function prepareSocketPath(dataDir: string): Promise<string> {
  const path = socketPathOf(dataDir);
  await makePrivateDirectory(dirname(path));
  return path;
}

function socketPathOf(dataDir: string): string {
  const near = join(dataDir, "run", "runner.sock");
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES) return near;
  const hash = createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
  return join(tmpdir(), `gpusched-${userInfo().uid}`, `${hash}.sock`);
}

async function makePrivateDirectory(path: string): Promise<void> {
  makeDirectory(path);
  // Another user may have made it first.
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0) return;
  throw new RequestError(
    "unavailable",
    `${path} must be a directory that belongs to this user and that no one else can enter: remove it, or chmod it to 700`,
  );
}
