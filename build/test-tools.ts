/** The programs that tests use besides Node.js: a Docker Engine, an image's content, etcd, clients in other languages. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

interface Tool {
  readonly name: string;
  /** Debian's package. */
  readonly packages: readonly string[];
  isThere(): boolean;
}

const TOOLS: readonly Tool[] = [
  { name: "dockerd", packages: ["docker.io"], isThere: () => runs("dockerd", "--version") },
  // Copied into images that hold nothing else: it must need no library.
  {
    name: "a static busybox",
    packages: ["busybox-static"],
    isThere: () => runs("busybox", "true") && isStatic("busybox"),
  },
  { name: "etcd", packages: ["etcd-server"], isThere: () => runs("etcd", "--version") },
  { name: "curl", packages: ["curl"], isThere: () => runs("curl", "--version") },
  {
    name: "python3 with requests",
    packages: ["python3-requests"],
    isThere: () => runs("python3", "-c", "import requests"),
  },
  // Hosts of their own for processes, and partitions between them.
  { name: "ip", packages: ["iproute2"], isThere: () => runs("ip", "-V") },
  { name: "nft", packages: ["nftables"], isThere: () => runs("nft", "--version") },
  { name: "strace", packages: ["strace"], isThere: () => runs("strace", "--version") },
  { name: "systemd-analyze", packages: ["systemd"], isThere: () => runs("systemd-analyze", "--version") },
  // Completions are read by the shells that they are for.
  { name: "zsh", packages: ["zsh"], isThere: () => runs("zsh", "--version") },
  { name: "fish", packages: ["fish"], isThere: () => runs("fish", "--version") },
  // Packages are made, judged, and installed in a system of their own.
  {
    name: "debhelper",
    packages: ["debhelper", "dpkg-dev"],
    isThere: () => runs("sh", "-c", "command -v dh dpkg-buildpackage"),
  },
  { name: "lintian", packages: ["lintian"], isThere: () => runs("lintian", "--version") },
  { name: "debootstrap", packages: ["debootstrap"], isThere: () => runs("debootstrap", "--version") },
  { name: "systemd-nspawn", packages: ["systemd-container"], isThere: () => runs("systemd-nspawn", "--version") },
  { name: "a C compiler", packages: ["gcc", "libc6-dev"], isThere: () => runs("cc", "--version") },
];

/** Installs what is missing if that can be done, else says what to install. Returns whether everything is there. */
export function prepareTestTools(): boolean {
  addSystemFolders();
  const missing = TOOLS.filter((tool) => !tool.isThere());
  if (missing.length === 0) return true;
  const names = missing.map((tool) => tool.name).join(", ");
  const packages = missing.flatMap((tool) => tool.packages);
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) {
    console.error(`The tests need ${names}. On Debian or Ubuntu, install it with:`);
    console.error(`  sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${packages.join(" ")}`);
    return false;
  }
  console.log(`installing ${packages.join(" ")}`);
  const options = { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } } as const;
  execFileSync("apt-get", ["update", "--quiet"], options);
  execFileSync("apt-get", ["install", "--quiet", "--yes", "--no-install-recommends", ...packages], options);
  const still = missing.filter((tool) => !tool.isThere());
  for (const tool of still) console.error(`${tool.name} is still missing after installing ${tool.packages.join(" ")}`);
  return still.length === 0;
}

/** dockerd lies where users do not look; and a python3 that lacks what Debian's has must not stand before it. */
function addSystemFolders(): void {
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  if (runs("python3", "-c", "import requests")) return;
  const [projectTools = "", ...others] = process.env["PATH"].split(":");
  process.env["PATH"] = [projectTools, "/usr/bin", ...others].join(":");
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function isStatic(command: string): boolean {
  const path = execFileSync("sh", ["-c", 'command -v "$0"', command], { encoding: "utf8" }).trim();
  return spawnSync("ldd", [path], { stdio: "ignore" }).status !== 0;
}
