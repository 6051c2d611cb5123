/** What root has loaded, left where the agent can read it: who may not change rules may not see them either. */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";

/** Below a directory of root's, gone with a reboot as the rules are. */
export const MARK_FILE = "/run/gpusched-firewall/loaded.json";

const schema = z.object({
  network: z.string(),
  controllers: z.array(z.string()),
  blockedDestinations: z.array(z.string()),
  /** Controllers whose names nobody could tell the address of. */
  unresolved: z.array(z.string()),
});

export type Mark = Readonly<z.infer<typeof schema>>;

export function writeMark(mark: Mark, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const next = `${file}.next`;
  writeFileSync(next, JSON.stringify(mark));
  // Whatever the umask: others are to read it.
  chmodSync(next, 0o644);
  renameSync(next, file);
}

export function removeMark(file: string): void {
  rmSync(file, { force: true });
}

/** What a mark says; undefined for what is none. */
export function parseMark(text: string): Mark | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
