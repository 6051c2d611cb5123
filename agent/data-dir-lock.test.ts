import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDir } from "./data-dir-lock.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-lock-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("the second on a directory is refused with the first's process id, by whatever path it comes", async () => {
  const lock = await lockDataDir(directory);
  const alias = `${directory}-alias`;
  await symlink(directory, alias);
  try {
    await expect(lockDataDir(directory)).rejects.toThrow(`process ${process.pid}`);
    await expect(lockDataDir(alias)).rejects.toThrow(`process ${process.pid}`);
  } finally {
    await rm(alias);
    await lock.close();
  }
});

test("a directory that was given back can be taken again, and others are free all the time", async () => {
  const lock = await lockDataDir(directory);
  const other = await lockDataDir(join(directory, "other"));
  await lock.close();
  const again = await lockDataDir(directory);
  await expect(lockDataDir(directory)).rejects.toThrow("belongs to another agent");
  await again.close();
  await other.close();
});

test("the lock of a process that was killed is gone with it", async () => {
  const source = `const { lockDataDir } = await import(${JSON.stringify(join(import.meta.dirname, "data-dir-lock.ts"))});
    await lockDataDir(${JSON.stringify(directory)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    await once(child.stdout, "data");
    await expect(lockDataDir(directory)).rejects.toThrow(`process ${child.pid}`);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
  await (await lockDataDir(directory)).close();
});
