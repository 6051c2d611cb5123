import { readFile } from "node:fs/promises";
import { isWithin } from "../../contract/volume-path.ts";

/** A line of /proc/PID/mountinfo: what is mounted where. */
interface Mount {
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Which directory of the file system. */
  readonly root: string;
  readonly point: string;
}

/**
 * Whether the process sees each of these paths of the host somewhere: undefined where that cannot be told, as when it has
 * ended. A mount tells of the file system and the directory in it, and so what Docker really took for a path.
 */
export async function seesAll(pid: number, sources: readonly string[]): Promise<boolean | undefined> {
  const [own, its] = await Promise.all([readMounts("self"), readMounts(String(pid))]);
  if (!own || !its || its.length === 0) return undefined;
  const seen = its.map(({ device, root }) => `${device} ${root}`);
  for (const source of sources) {
    const at = seen.indexOf(expectedOf(source, own));
    if (at < 0) return false;
    seen.splice(at, 1);
  }
  return true;
}

/** How the source would be told of if it were mounted by itself. */
function expectedOf(source: string, mounts: readonly Mount[]): string {
  let best: Mount | undefined;
  // Of several at one place the last one is seen.
  for (const mount of mounts) {
    if (isWithin(source, mount.point) && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  if (!best) return "";
  const rest = source.slice(best.point === "/" ? 0 : best.point.length);
  const root = best.root === "/" ? rest || "/" : `${best.root}${rest}`;
  return `${best.device} ${root}`;
}

async function readMounts(of: string): Promise<readonly Mount[] | undefined> {
  try {
    const text = await readFile(`/proc/${of}/mountinfo`, "utf8");
    return text.split("\n").flatMap(parseMount);
  } catch {
    // It has ended, or is none of this agent's business as the kernel sees it.
    return undefined;
  }
}

function parseMount(line: string): Mount[] {
  const [, , device, root, point] = line.split(" ");
  if (device === undefined || root === undefined || point === undefined) return [];
  return [{ device, root: unescaped(root), point: unescaped(point) }];
}

/** Blanks and the like are written as octal numbers. */
function unescaped(path: string): string {
  const bytes = Buffer.from(path, "utf8").toString("latin1");
  const plain = bytes.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(plain, "latin1").toString("utf8");
}
