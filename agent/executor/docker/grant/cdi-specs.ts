import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";

/** The kinds of devices that are GPUs. */
const KINDS: ReadonlySet<string> = new Set(["nvidia.com/gpu", "amd.com/gpu"]);
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Of one GPU alone; `/dev/nvidiactl` and the like are every GPU's. */
const GPU_NODE = /^\/dev\/(nvidia\d+|dri\/renderD\d+)$/;

/** A device of the Container Device Interface. */
export interface CdiDevice {
  /** As a container is given it: `nvidia.com/gpu=GPU-…`. */
  readonly fullName: string;
  /** What it is called within its kind: a UUID, a number, or `all`. */
  readonly name: string;
  /** The GPUs' own files in it. One that stands for several GPUs has several. */
  readonly nodes: readonly string[];
}

/** Every GPU of the specifications in the directories. Files that cannot be read or understood name none, as for Docker. */
export async function readCdiDevices(directories: readonly string[]): Promise<readonly CdiDevice[]> {
  const devices: CdiDevice[] = [];
  for (const directory of directories) {
    for (const file of await specificationsIn(directory)) devices.push(...(await devicesIn(file)));
  }
  return devices;
}

/** What one specification names. Exported for whoever has its text. */
export function parseCdiSpec(text: string): readonly CdiDevice[] {
  // JSON is YAML too.
  const spec = asObject(parse(text));
  const kind = spec?.["kind"];
  if (typeof kind !== "string" || !KINDS.has(kind)) return [];
  return asList(spec?.["devices"]).flatMap((it) => {
    const device = asObject(it);
    const name = device?.["name"];
    // A number that nobody put in quotes is no name for Docker either, but nvidia-ctk quotes it.
    if (typeof name !== "string" || name === "") return [];
    const edits = asObject(device?.["containerEdits"]);
    const paths = asList(edits?.["deviceNodes"]).map((node) => asObject(node)?.["path"]);
    const nodes = paths.filter((path) => typeof path === "string").filter((path) => GPU_NODE.test(path));
    return [{ fullName: `${kind}=${name}`, name, nodes }];
  });
}

async function specificationsIn(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => /\.(json|ya?ml)$/.test(name))
      .toSorted()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

async function devicesIn(file: string): Promise<readonly CdiDevice[]> {
  try {
    const stats = await stat(file);
    return stats.isFile() && stats.size <= MAX_FILE_BYTES ? parseCdiSpec(await readFile(file, "utf8")) : [];
  } catch {
    return [];
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
