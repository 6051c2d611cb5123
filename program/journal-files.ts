import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** A file itself; or, where there is none of that name, the terms that were written under it, in their order. */
export async function journalFilesOf(argument: string): Promise<readonly string[]> {
  const path = resolve(argument);
  if (existsSync(path)) return [argument];
  const names = await readdir(dirname(path)).catch(() => []);
  const prefix = `${basename(path)}.`;
  const terms = names.filter((name) => name.startsWith(prefix) && /^\d{6,}$/.test(name.slice(prefix.length)));
  const numbered = terms.toSorted((a, b) => Number(a.slice(prefix.length)) - Number(b.slice(prefix.length)));
  return numbered.length > 0 ? numbered.map((name) => join(dirname(argument), name)) : [argument];
}
