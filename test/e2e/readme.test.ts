/** Every command line of README.md, as it stands there. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";
import { killJobs, type ProgramProcess, startDev, startProgram } from "../support/dev-process.ts";
import { examplesOf, runProgram, runShell } from "../support/examples.ts";

const readme = readFileSync(join(packageRoot, "README.md"), "utf8");
const examples = examplesOf(readme);
const commands = examplesIn("sh").flatMap((code) => code.trim().split("\n"));
const UP_WITHIN_MS = 60_000;

let directory: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-readme-")));
});
afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));

function examplesIn(language: string): string[] {
  return examples.filter((example) => example.language === language).map(({ code }) => code);
}

test("there is no command that is not tried here", () => {
  expect(commands).toEqual([
    "npm ci && npm run demo",
    "npm ci && npm test",
    "bin/gpusched dev",
    "bin/gpusched controller",
    "bin/gpusched gateway",
    "bin/gpusched agent --executor process --simulate-gpus 4",
    "bin/gpusched --help",
    "bin/gpusched dev --help",
  ]);
  const languages = new Set(examples.map(({ language }) => language));
  expect([...languages].toSorted()).toEqual(["", "bash", "json", "python", "sh"]);
});

test("npm run demo shows a job until it is completed", async () => {
  const flags = ["--once", "--http-port", "0", "--grpc-port", "0", "--simulate-gpus", "4", "--data-dir", directory];
  try {
    const { stdout } = await promisify(execFile)("npm", ["run", "demo", "--", ...flags], {
      cwd: packageRoot,
      timeout: 200_000,
    });
    expect(stdout).toMatch(/submitted job-\d+, which asks for 2 GPUs/);
    expect(stdout).toMatch(/job is running on gpu-\d and gpu-\d/);
    expect(stdout).toMatch(/\| step 5 of 5/);
    expect(stdout).toMatch(/job is completed/);
  } finally {
    await killJobs(directory);
  }
});

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

test("npm test is there, and npm ci finds every optional package in the lock file", () => {
  const { scripts } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  expect(scripts).toHaveProperty("test");
  const { packages }: Lock = JSON.parse(readFileSync(join(packageRoot, "package-lock.json"), "utf8"));
  // npm leaves out what its registry lacks, such as other platforms, and then npm ci refuses a fresh clone.
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  const locked = Object.keys(packages);
  expect(wanted.length).toBeGreaterThan(0);
  expect(wanted.filter((name) => !locked.some((path) => path.endsWith(`node_modules/${name}`)))).toEqual([]);
});

test("the examples work against gpusched dev", async () => {
  const dev = await startDev({ defaultPorts: true, flags: ["--executor", "process", "--simulate-gpus", "4"] });
  try {
    for (const code of examplesIn("bash")) {
      const { code: exitCode, stderr, answers } = await runShell(code);
      expect({ exitCode, stderr, calls: answers.length }).toEqual({ exitCode: 0, stderr: "", calls: 1 });
      expect(answers[0]?.status).toBe(code.includes("-X POST") ? 201 : 200);
    }
    for (const code of examplesIn("python")) {
      const { code: exitCode, stderr } = await runProgram("python3", ["example.py"], { "example.py": code });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    }
  } finally {
    await dev.close();
  }
});

test("the examples are those of docs/api.md", () => {
  const documented = readFileSync(join(packageRoot, "docs/api.md"), "utf8");
  const codes = [...examplesIn("python"), ...examplesIn("json"), ...examplesIn("bash")];
  expect(codes.filter((code) => !documented.includes(code))).toEqual([]);
});

test("controller, gateway and agent work as processes of their own", async () => {
  const roles = commands.filter((command) => /^bin\/gpusched (controller|gateway|agent)/.test(command));
  const processes: ProgramProcess[] = [];
  try {
    // Their data directories are below the working directory.
    for (const role of roles) processes.push(startProgram(role.split(" ").slice(1), { cwd: directory }));
    const output = () => processes.map((started) => started.output()).join("\n");
    await expect
      .poll(onlineNodes, { timeout: UP_WITHIN_MS, interval: 200 })
      .toBe(1)
      .catch((error: unknown) => {
        throw new Error(`the roles did not find each other:\n${output()}`, { cause: error });
      });
    for (const { child } of processes.toReversed()) child.kill("SIGTERM");
    expect(await Promise.all(processes.map(({ ended }) => ended))).toEqual([0, 0, 0]);
  } finally {
    for (const { child } of processes) child.kill("SIGKILL");
    await Promise.all(processes.map(({ ended }) => ended));
    await killJobs(join(directory, "data"));
  }
});

/** Undefined while nobody answers. */
async function onlineNodes(): Promise<unknown> {
  try {
    const response = await fetch("http://localhost:8080/api/v1/cluster/status");
    return ((await response.json()) as Record<string, unknown>)["online_nodes"];
  } catch {
    return undefined;
  }
}

describe("help", () => {
  test.each(commands.filter((command) => command.endsWith("--help")))("%s", async (command) => {
    const started = startProgram(command.split(" ").slice(1), { cwd: directory });
    expect(await started.ended).toBe(0);
    expect(started.output()).toMatch(/^Usage: gpusched /m);
  });
});

test("its links lead somewhere", () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? "");
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((path) => !existsSync(join(packageRoot, path)))).toEqual([]);
});
