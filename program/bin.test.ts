import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../base/version.ts";

const RUNTIME = `node-linux-${process.arch}`;
/** Prints what was started, by what, and with which arguments. */
const PROGRAM = "console.log(JSON.stringify([process.version, import.meta.filename, ...process.argv.slice(2)]))";

let directory: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched bin-")));
});
afterEach(() => rm(directory, { recursive: true }));

/** A copy of the start script in a package of its own, with a program that tells what runs it. */
async function makePackage(...files: string[]): Promise<string> {
  const root = join(directory, ...files.splice(0, 1));
  for (const file of ["bin/gpusched", ...files]) await mkdir(dirname(join(root, file)), { recursive: true });
  await copyFile(join(packageRoot, "bin/gpusched"), join(root, "bin/gpusched"));
  await writeFile(join(root, "package.json"), '{"type":"module"}');
  for (const file of files) await writeFile(join(root, file), PROGRAM);
  return root;
}

/** Puts the Node.js that runs this test where an optional dependency would put it. */
async function addRuntime(modules: string): Promise<void> {
  await mkdir(join(modules, RUNTIME, "bin"), { recursive: true });
  await symlink(process.execPath, join(modules, RUNTIME, "bin/node"));
}

/** A folder for the PATH whose `node` claims to be of that major version, and is the real one otherwise. */
async function nodeOnPath(major: number): Promise<string> {
  const folder = join(directory, `path-${major}`);
  await mkdir(folder);
  const script = `#!/bin/sh\nif [ "$1" = -p ]; then echo ${major}; else exec "${process.execPath}" "$@"; fi\n`;
  await writeFile(join(folder, "node"), script);
  await chmod(join(folder, "node"), 0o755);
  return folder;
}

interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function start(script: string, paths: readonly string[], ...args: string[]): Promise<Outcome> {
  const path = [...paths, "/usr/bin", "/bin"].join(delimiter);
  return new Promise((resolve) => {
    execFile(script, args, { env: { PATH: path }, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

test("in a checkout it runs the sources with the package's own Node.js, whatever is on the PATH", async () => {
  const root = await makePackage("checkout", "program/main.ts", "dist/program/main.js");
  await addRuntime(join(root, "node_modules"));
  const { stdout, stderr } = await start(join(root, "bin/gpusched"), [await nodeOnPath(20)], "dev", "two words");
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual([process.version, join(root, "program/main.ts"), "dev", "two words"]);
});

test("installed as a dependency, and started through a link, it runs dist/ with the Node.js beside the package", async () => {
  const root = await makePackage("node_modules/gpusched", "program/main.ts", "dist/program/main.js");
  const modules = join(directory, "node_modules");
  await addRuntime(modules);
  await mkdir(join(modules, ".bin"));
  await symlink("../gpusched/bin/gpusched", join(modules, ".bin/gpusched"));
  await symlink(join(modules, ".bin/gpusched"), join(directory, "gpusched"));
  const { stdout } = await start(join(directory, "gpusched"), [await nodeOnPath(20)], "--version");
  expect(JSON.parse(stdout)).toEqual([process.version, join(root, "dist/program/main.js"), "--version"]);
});

test("without sources it runs dist/", async () => {
  const root = await makePackage("unpacked", "dist/program/main.js");
  await addRuntime(join(root, "node_modules"));
  const { stdout } = await start(join(root, "bin/gpusched"), []);
  expect(JSON.parse(stdout)).toEqual([process.version, join(root, "dist/program/main.js")]);
});

test("without a Node.js of its own it takes the one on the PATH if that is new enough", async () => {
  const root = await makePackage("checkout", "program/main.ts");
  const { stdout } = await start(join(root, "bin/gpusched"), [await nodeOnPath(24)]);
  expect(JSON.parse(stdout)).toEqual([process.version, join(root, "program/main.ts")]);
});

test("without any Node.js that is new enough it says what to do", async () => {
  const root = await makePackage("checkout", "program/main.ts");
  const { code, stderr } = await start(join(root, "bin/gpusched"), [await nodeOnPath(20)]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/Node\.js 24 or newer is needed/);
  expect(stderr).toMatch(/npm ci/);
});

test("with nothing to run it says what to do", async () => {
  const root = await makePackage("empty");
  await addRuntime(join(root, "node_modules"));
  const { code, stderr } = await start(join(root, "bin/gpusched"), []);
  expect(code).toBe(1);
  expect(stderr).toMatch(/npm run build/);
});
