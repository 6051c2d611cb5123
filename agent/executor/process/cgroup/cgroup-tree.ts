import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a group can limit. */
export type Controller = "memory" | "cpu" | "pids";
export const CONTROLLERS: readonly Controller[] = ["memory", "cpu", "pids"];
/** What a person calls that. */
export const LIMITED: Readonly<Record<Controller, string>> = { memory: "memory", cpu: "cores", pids: "processes" };

/** One hierarchy of control groups, and where in it this process is. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Of version 1: those that are mounted together. Of version 2: none, they are turned on in each group. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** This process's own group, as a directory. */
  readonly own: string;
}

/** Every hierarchy that is mounted and can be seen. */
export function readHierarchies(): readonly Hierarchy[] {
  try {
    return parseHierarchies(readFileSync("/proc/self/cgroup", "utf8"), readFileSync("/proc/self/mountinfo", "utf8"));
  } catch {
    return [];
  }
}

/** The first mount of each; see cgroups(7) and proc_pid_mountinfo(5). */
export function parseHierarchies(cgroups: string, mountinfo: string): readonly Hierarchy[] {
  const mounts = mountinfo.split("\n").flatMap(parseMount);
  return cgroups.split("\n").flatMap((line) => {
    const [, id, names = "", path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (id === undefined || path === undefined) return [];
    const version = id === "0" && names === "" ? 2 : 1;
    const controllers = names === "" ? [] : names.split(",");
    const mount = mounts.find((it) => it.version === version && controllers.every((name) => it.options.includes(name)));
    const own = mount && ownDirectory(mount, path);
    return mount && own !== undefined ? [{ version, controllers, mountPoint: mount.point, own } as const] : [];
  });
}

interface Mount {
  readonly version: 1 | 2;
  /** What of the hierarchy is mounted there. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

function parseMount(line: string): Mount[] {
  const [before = "", after = ""] = line.split(" - ");
  const [, , , root = "", point = ""] = before.split(" ");
  const [type, , options = ""] = after.split(" ");
  if (type !== "cgroup" && type !== "cgroup2") return [];
  return [
    { version: type === "cgroup" ? 1 : 2, root: unescape(root), point: unescape(point), options: options.split(",") },
  ];
}

/** In a container a part of the hierarchy is mounted, and paths begin above it. */
function ownDirectory({ root, point }: Mount, path: string): string | undefined {
  if (path.includes("/../") || path.startsWith("/..")) return undefined;
  if (root === "/") return join(point, path);
  if (path === root || path.startsWith(`${root}/`)) return join(point, path.slice(root.length));
  return path === "/" ? point : undefined;
}

/** Blanks and the like are written in octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
