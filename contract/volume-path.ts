/** How the paths of volumes look, on a host and in a job. */

const MAX_PATH_BYTES = 1_024;

/** Where a job's own system, or what the agent gives to every job, is: nothing is put there, above it or below it. */
const RESERVED_TARGETS = ["/proc", "/sys", "/dev", "/etc", "/run", "/var/run", "/gpusched"];
/** Nothing is put in their place; below them is allowed. */
const KEPT_TARGETS = ["/", "/bin", "/sbin", "/lib", "/lib64", "/usr", "/var", "/tmp"];

/** Whether the path is the directory, or below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === "/" || path.startsWith(`${directory}/`);
}

/** What is wrong with a path of a host or of a container, as a sentence's end; undefined when it is absolute and plain. */
export function pathProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `must be at most ${MAX_PATH_BYTES} bytes`;
  if (!path.isWellFormed()) return "must be valid Unicode";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return "must not contain control characters";
  if (!path.startsWith("/")) return "must be an absolute path";
  const parts = path.split("/").slice(1);
  if (parts.includes("..")) return 'must not contain ".."';
  const isPlain = path === "/" || parts.every((part) => part !== "" && part !== ".");
  return isPlain ? undefined : "must be a plain path: no empty parts, no dots, no slash at its end";
}

/** What is wrong with the place of a volume in a job. */
export function targetProblem(target: string): string | undefined {
  const problem = pathProblem(target);
  if (problem !== undefined) return problem;
  const reserved = RESERVED_TARGETS.find((it) => isWithin(target, it));
  if (reserved !== undefined) return `must not be ${reserved} or lie in it`;
  return KEPT_TARGETS.includes(target) ? `must not be ${target}` : undefined;
}

/** What is wrong with the places of several volumes together. */
export function targetsProblem(targets: readonly string[]): string | undefined {
  for (const [index, target] of targets.entries()) {
    const other = targets.find((it, at) => at !== index && isWithin(target, it));
    if (other === target) return `must not have the target ${target} twice`;
    if (other !== undefined) return `must not have the target ${target} within another one, ${other}`;
  }
  return undefined;
}

/**
 * What no job is ever given of its host, whatever a policy allows: the kernel's file systems and devices, the sockets and
 * the data of whatever runs here as root, and what decides who may do what.
 */
const RESERVED_SOURCES = [
  "/proc",
  "/sys",
  "/dev",
  "/run",
  "/var/run",
  "/etc",
  "/boot",
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib64",
  "/root/.ssh",
  "/var/lib/docker",
  "/var/lib/containerd",
  "/var/lib/containers",
  "/var/lib/kubelet",
  "/var/lib/etcd",
  "/var/lib/systemd",
  "/var/spool",
  "/var/log",
  "/var/lib/gpusched-agent",
  "/var/lib/gpusched-controller",
];

/** The reserved directory in which the path lies; undefined when it lies in none. */
export function reservedSource(path: string, others: readonly string[] = []): string | undefined {
  return [...RESERVED_SOURCES, ...others].find((it) => isWithin(path, it));
}

/** A reserved directory that lies below the path; undefined when none does. */
export function reservedBelow(path: string, others: readonly string[] = []): string | undefined {
  return [...RESERVED_SOURCES, ...others].find((it) => isWithin(it, path));
}

/** What is wrong with the source of a volume, whatever host it is on. */
export function sourceProblem(source: string): string | undefined {
  const problem = pathProblem(source);
  if (problem !== undefined) return problem;
  if (source === "/") return "must not be /";
  const above = reservedSource(source);
  if (above !== undefined) return `must not be ${above} or lie in it: no job is given that of its host`;
  const below = reservedBelow(source);
  return below === undefined ? undefined : `must not have ${below} in it: no job is given that of its host`;
}
