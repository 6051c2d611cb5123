/** The package as users get it: packed, installed in another directory without the tools of development, and started. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot, version } from "../../base/version.ts";

const READY_WITHIN_MS = 60_000;

let directory: string;
let program: string;
let service: ChildProcess | undefined;

beforeAll(async () => {
  if (!existsSync(join(packageRoot, "dist/program/main.js"))) throw new Error("dist/ is missing: npm run build");
  directory = await mkdtemp(join(tmpdir(), "gpusched-installed-"));
  await writeFile(join(directory, "package.json"), '{"private":true}');
  npm(packageRoot, "pack", "--pack-destination", directory);
  const flags = ["--ignore-scripts", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund"];
  npm(directory, "install", ...flags, `./gpusched-${version}.tgz`);
  program = join(directory, "node_modules/.bin/gpusched");
});

afterAll(async () => {
  if (service && service.exitCode === null) service.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

function npm(cwd: string, ...args: string[]): void {
  execFileSync("npm", args, { cwd, env: outsideOfNpm(), stdio: "pipe" });
}

/** The environment without what `npm test` has put there, and without the project's own programs. */
function outsideOfNpm(): NodeJS.ProcessEnv {
  const environment = Object.entries(process.env).filter(([name]) => !/^(npm_|node_|vitest|gpusched_)/i.test(name));
  const path = process.env["PATH"]?.split(":").filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(environment), PATH: path?.join(":") };
}

test("it tells its version", () => {
  const output = execFileSync(program, ["--version"], { cwd: directory, env: outsideOfNpm(), encoding: "utf8" });
  expect(output).toBe(`${version}\n`);
});

test("it serves until it is stopped", async () => {
  const flags = ["dev", "--http-port", "0", "--grpc-port", "0", "--executor", "process", "--simulate-gpus", "2"];
  const options = { cwd: directory, env: outsideOfNpm(), signal: AbortSignal.timeout(READY_WITHIN_MS) };
  service = spawn(program, flags, { ...options, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(service, "exit");
  const lines: string[] = [];
  if (service.stdout) {
    for await (const line of createInterface({ input: service.stdout })) {
      lines.push(line);
      if (line === "ready") break;
    }
  }
  const api = /REST API\s+(\S+)/.exec(lines.join("\n"))?.[1];
  const response = await fetch(`${api}/cluster/status`);
  expect(response.status).toBe(200);
  expect(existsSync(join(directory, "data/controller"))).toBe(true);
  service.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
