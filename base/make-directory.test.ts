import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDataDirectory, makeDirectory } from "./make-directory.ts";

test("missing directories are made for their owner alone, and an existing one is left", () => {
  const root = mkdtempSync(join(tmpdir(), "gpusched-directory-"));
  const path = join(root, "a", "b");
  makeDirectory(path);
  makeDirectory(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  writeFileSync(join(root, "file"), "");
  expect(() => makeDirectory(join(root, "file"))).toThrow("EEXIST");
  rmSync(root, { recursive: true });
});

test("where no directory can be made the system's error comes at once", () => {
  expect(() => makeDirectory("/proc/gpusched/data")).toThrow("ENOENT");
});

test.each([
  ["/proc/gpusched", "no directory can be made there"],
  ["/etc/passwd", "it is a file"],
  ["/etc/passwd/agent", "a part of its path is a file"],
])("a data directory that cannot be is refused in words: %s", (path, why) => {
  expect(() => makeDataDirectory(path)).toThrow(`cannot use ${path} as the data directory: ${why}`);
});
