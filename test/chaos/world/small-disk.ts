import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "../../../base/service.ts";
import { withSbin } from "../../support/busybox-root.ts";

/** A file system in memory, so small that it can be filled. It goes with the sandbox in which it is mounted. */
export class SmallDisk implements Service {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static mount(directory: string, sizeMb: number): SmallDisk {
    mkdirSync(directory, { recursive: true });
    const args = ["-t", "tmpfs", "-o", `size=${sizeMb}m`, "tmpfs", directory];
    execFileSync("mount", args, { env: withSbin(), stdio: ["ignore", "ignore", "pipe"] });
    return new SmallDisk(directory);
  }

  /** Takes all room that is left, to the last page. */
  fill(): void {
    spawnSync("dd", ["if=/dev/zero", `of=${this.#filler}`, "bs=64k"], { stdio: "ignore" });
  }

  /** Lets what is mounted go, whoever still uses it. */
  close(): Promise<void> {
    spawnSync("umount", ["-l", this.#directory], { env: withSbin(), stdio: "ignore" });
    return Promise.resolve();
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  get #filler(): string {
    return join(this.#directory, "filler");
  }
}
