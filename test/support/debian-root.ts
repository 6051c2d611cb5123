/** A Debian of its own, clean but for systemd, and booted where the host can do that. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";

const PACKAGES = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "man-db",
  "libstdc++6",
  "init-system-helpers",
  "procps",
  "nftables",
];
const BOOT_MS = 180_000;
const HALT_MS = 60_000;
const POLL_MS = 200;

/** Why there can be no such system here: a sentence. */
export class NotPossible extends Error {}

/**
 * Unpacks a clean system into a new directory. What debootstrap has made is kept beside other temporary files, because it
 * takes a minute.
 */
export function unpackRoot(): string {
  if (process.getuid?.() !== 0) throw new NotPossible("a system of its own can only be made by root");
  const mirror = debianMirror();
  const cached = join(tmpdir(), `gpusched-debian-${mirror.codename}-${PACKAGES.length}.tar`);
  if (!existsSync(cached)) bootstrap(mirror, cached);
  const root = mkdtempSync(join(tmpdir(), "gpusched-root-"));
  execFileSync("tar", ["--extract", "--numeric-owner", "--file", cached, "--directory", root]);
  return root;
}

/** Where this host's own packages come from. */
function debianMirror(): { readonly codename: string; readonly site: string } {
  const format = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(SITE)";
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", format, "Identifier: Packages"], {
    encoding: "utf8",
  });
  const [, codename, , site] =
    (stdout ?? "")
      .split("\n")
      .map((line) => line.split("|"))
      .find(([origin, name = "-", component]) => origin === "Debian" && component === "main" && !name.includes("-")) ??
    [];
  if (!codename || !site) throw new NotPossible("apt of this host knows no mirror of Debian");
  return { codename, site };
}

function bootstrap({ codename, site }: { codename: string; site: string }, cached: string): void {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-bootstrap-"));
  const root = join(directory, "root");
  try {
    const args = ["--variant=minbase", `--include=${PACKAGES.join(",")}`, codename, root, site];
    const { status, stdout } = spawnSync("debootstrap", args, { encoding: "utf8" });
    if (status !== 0) throw new NotPossible(`debootstrap from ${site} failed: ${stdout.trim().split("\n").at(-1)}`);
    const tar = join(directory, "root.tar");
    execFileSync("tar", ["--create", "--numeric-owner", "--file", tar, "--directory", root, "."]);
    renameSync(tar, cached);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A system that has been booted. Closing it switches it off. */
export interface BootedRoot extends Service {
  /** Runs a command in it; resolves with what it has printed, throws if it fails. */
  run(command: string, ...args: readonly string[]): string;
  /** Runs one of this host's programs in its network. */
  inNetwork(command: string, ...args: readonly string[]): string;
}

/** Boots the system, with a network of its own in which there is nothing else. */
export async function bootRoot(root: string): Promise<BootedRoot> {
  mkdirSync(join(root, "packages"), { recursive: true });
  const flags = ["--register=no", "--keep-unit", "--boot", "--private-network", "--console=pipe"];
  const child = spawn("systemd-nspawn", [...flags, "-D", root], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  const ended = once(child, "close");
  try {
    const leader = await untilBooted(child, () => output.trim());
    const enter = (...args: string[]) => execFileSync("nsenter", ["--target", leader, ...args], { encoding: "utf8" });
    return {
      run: (...command) => enter("-m", "-p", "-i", "-u", "-n", "-C", ...command),
      inNetwork: (...command) => enter("-n", ...command),
      close: () => halt(child, ended),
    };
  } catch (error) {
    await halt(child, ended);
    throw error;
  }
}

async function untilBooted(child: ChildProcess, output: () => string): Promise<string> {
  const giveUpAt = performance.now() + BOOT_MS;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null) throw new NotPossible(`systemd-nspawn cannot boot here: ${output()}`);
    const leader = leaderOf(child);
    if (leader !== undefined && isRunning(leader)) return leader;
    await sleep(POLL_MS);
  }
  throw new NotPossible(`systemd has not come up in a container here within ${BOOT_MS} ms: ${output()}`);
}

/** The first process of the container. */
function leaderOf(child: ChildProcess): string | undefined {
  try {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
    return children.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "systemd");
  } catch {
    return undefined;
  }
}

function isRunning(leader: string): boolean {
  const args = ["--target", leader, "-m", "-p", "-i", "-u", "-n", "-C", "systemctl", "is-system-running"];
  return /running|degraded/.test(spawnSync("nsenter", args, { encoding: "utf8" }).stdout ?? "");
}

async function halt(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const leader = leaderOf(child);
  child.kill("SIGTERM");
  const isOff = await Promise.race([ended.then(() => true), sleep(HALT_MS, false, { ref: false })]);
  if (isOff) return;
  if (leader !== undefined) process.kill(Number(leader), "SIGKILL");
  await ended;
}

/** The system, or the sentence that says why there is none. */
export async function tryTo<T>(make: () => T | Promise<T>): Promise<T | string> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof NotPossible) return messageOf(error);
    throw error;
  }
}
