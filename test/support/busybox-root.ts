import { execFileSync, spawnSync } from "node:child_process";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

const APPLETS = "cat date dd echo env false grep head id kill ls mkdir printf seq sh sleep tail touch tr true wc yes";

/** This process's environment, with the places where Debian keeps the programs of root. */
export function withSbin(first = "/usr/sbin"): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${first}:${process.env["PATH"]}:/usr/sbin:/sbin` };
}

/** Makes a root file system of the host's static busybox below the directory, and its tar archive; returns its path. */
export async function archiveBusybox(directory: string): Promise<string> {
  const root = join(directory, "root");
  const archive = join(directory, "root.tar");
  for (const name of ["bin", "tmp", "etc", "proc", "dev", "sys"]) await mkdir(join(root, name), { recursive: true });
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  for (const name of APPLETS.split(" ")) await symlink("busybox", join(root, "bin", name));
  // A busybox that needs the host's libraries would fail in every container with a puzzling message.
  if (spawnSync("chroot", [root, "/bin/true"], { env: withSbin() }).status !== 0) {
    throw new Error("/bin/busybox is not static: apt-get install -y busybox-static");
  }
  execFileSync("tar", ["-C", root, "-cf", archive, "."]);
  return archive;
}
