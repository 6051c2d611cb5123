/** Runs this program again in namespaces of its own, so that what it starts, mounts and cuts concerns nobody else and ends with it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { withSbin } from "../../support/busybox-root.ts";

const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];

/** Why hosts of their own cannot be made here; undefined when they can. */
export function sandboxProblem(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const command of ["ip", "nft", "nsenter"]) {
    if (spawnSync(command, ["--version"], { env: withSbin(), stdio: "ignore" }).error) {
      return `${command} is missing: apt-get install iproute2 nftables util-linux`;
    }
  }
  const probe = ["sh", "-c", "ip link add probe type bridge && nft list ruleset"];
  const { status } = spawnSync("unshare", [...NAMESPACES, ...probe], { env: withSbin(), stdio: "ignore" });
  return status === 0 ? undefined : "this host allows no namespaces of one's own";
}

/** Starts the file in namespaces of its own, and resolves with its exit code. */
export async function runInSandbox(file: string, args: readonly string[]): Promise<number> {
  // Whoever comes first in a process namespace is given all orphans: a shell reaps them, Node.js does not.
  const command = ["sh", "-c", '"$@"; exit $?', "sh", process.execPath, file, ...args];
  const child = spawn("unshare", [...NAMESPACES, ...command], { env: withSbin(), stdio: "inherit" });
  // All that is in there goes with the first process of the namespace.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => child.kill("SIGKILL"));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
