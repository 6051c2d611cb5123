import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces the file's content, or makes the file. Once it resolves the new content is durable; whatever happens before,
 * the file holds the old content or the new one whole. One writer a path at a time.
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await writeDurably(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
