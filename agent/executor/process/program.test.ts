import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkProgram } from "./program.ts";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "gpusched-program-"));
  mkdirSync(join(directory, "bin/folder"), { recursive: true });
  const make = (name: string, text: string, mode: number): void => {
    writeFileSync(join(directory, "bin", name), text);
    chmodSync(join(directory, "bin", name), mode);
  };
  make("good", "#!/bin/sh\n", 0o755);
  make("plain", "echo no first line\n", 0o755);
  make("data", "", 0o644);
  make("lost", "#!/no/such/interpreter -x\n", 0o755);
  symlinkSync("loop", join(directory, "bin/loop"));
});
afterAll(() => rmSync(directory, { recursive: true }));

test.each([
  ["good", undefined],
  ["plain", undefined],
  ["./bin/good", undefined],
  ["/bin/sh", undefined],
  ["sh", undefined],
  ["nope", "ENOENT"],
  ["data", "EACCES"],
  ["folder", "EACCES"],
  ["./nope", "ENOENT"],
  ["./bin/lost", "ENOENT"],
  ["./bin/good/x", "ENOTDIR"],
  ["./bin/loop", "ELOOP"],
  ["./bin/folder", "EACCES"],
  ["", "ENOENT"],
])("%j is found or fails as the system itself would say: %s", async (program, code) => {
  const path = `${join(directory, "bin")}:/usr/bin:/bin`;
  const error = await checkProgram(program, directory, path).then(
    () => undefined,
    (it: unknown) => it,
  );
  expect((error as NodeJS.ErrnoException | undefined)?.code).toBe(code);
  if (code !== undefined) expect((error as NodeJS.ErrnoException).errno).toBeLessThan(0);
});
