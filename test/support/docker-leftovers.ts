import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Ends the processes and mounts that belong to a test engine in `dir` and outlived it: shims name the directory in their
 * arguments, and what a container ran are the shims' children.
 */
export async function clearLeftovers(dir: string): Promise<void> {
  for (const pid of await processesOf(dir)) kill(pid);
  for (const mountPoint of await mountsBelow(dir)) {
    try {
      execFileSync("umount", ["-l", mountPoint], { stdio: "ignore" });
    } catch {
      // Went away together with the mount around it.
    }
  }
}

async function processesOf(dir: string): Promise<number[]> {
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [commandLine, stat] = await Promise.all([
      read(join("/proc", name, "cmdline")),
      read(join("/proc", name, "stat")),
    ]);
    parents.set(Number(name), Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1] ?? 0));
    if (/^\S*(containerd|runc|docker)/.test(commandLine) && commandLine.includes(`${dir}/`)) found.add(Number(name));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (found.has(pid) || isBelow(parents.get(pid)));
  return [...parents.keys()].filter(isBelow);
}

async function mountsBelow(dir: string): Promise<string[]> {
  const mounts = await read("/proc/self/mountinfo");
  const points = mounts.split("\n").map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => point.startsWith(`${dir}/`)).reverse();
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

async function read(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}
