import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

const ADDRESS = /^(?:([0-9a-f]+):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/i;

/** Where the kernel tells of devices; another root for tests. */
export interface HostTree {
  /** Before `/sys`, `/proc` and `/dev`: empty on a host. */
  readonly root: string;
}

/** The file through which programs use that GPU alone: `/dev/nvidia3`, `/dev/dri/renderD129`; undefined where it is not known. */
export async function deviceNodeOf(pciBusId: string, { root }: HostTree): Promise<string | undefined> {
  const [match, domain = "0", rest = ""] = ADDRESS.exec(pciBusId.trim()) ?? [];
  if (match === undefined) return undefined;
  // The kernel's names have a domain of four digits.
  const name = `${domain.slice(-4).padStart(4, "0")}:${rest}`.toLowerCase();
  const information = await textOf(join(root, "/proc/driver/nvidia/gpus", name, "information"));
  const minor = /^Device Minor:\s*(\d+)/m.exec(information)?.[1];
  if (minor !== undefined) return `/dev/nvidia${minor}`;
  const entries = await readdir(join(root, "/sys/bus/pci/devices", name, "drm")).catch(() => []);
  const render = entries.find((entry) => /^renderD\d+$/.test(entry));
  return render === undefined ? undefined : `/dev/dri/${render}`;
}

/** The groups that may use those files, each once; root's is nobody's in a container without privileges. */
export async function groupsOf(nodes: readonly string[], { root }: HostTree): Promise<readonly number[]> {
  const stats = await Promise.all(nodes.map((node) => stat(join(root, node)).catch(() => undefined)));
  return [...new Set(stats.flatMap((it) => (it === undefined || it.gid === 0 ? [] : [it.gid])))];
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}
