/** What `npm run test:gpu` would find on a host with GPUs, with stand-ins of NVIDIA's libraries; and what it says without any. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";
import { StubNvml, stubGpu, whyNoStubNvml } from "../support/nvml/stub-nvml.ts";

const PROGRAM = join(packageRoot, "test/gpu/gpu.ts");
const remove: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of remove.splice(0)) await each();
});

function report(environment: Readonly<Record<string, string>>) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [PROGRAM], { encoding: "utf8", env });
}

async function stubCuda(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "stub-cuda-"));
  remove.push(() => rm(directory, { recursive: true }));
  const library = join(directory, "libcuda.so.1");
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, join(packageRoot, "test/gpu/stub-cuda.c")]);
  return library;
}

async function stubNvml(memoryUsedMb: number): Promise<string> {
  const stub = await StubNvml.build();
  remove.push(() => stub.remove());
  await stub.install({ gpus: [stubGpu(0, { memoryUsedMb }), stubGpu(1, { memoryUsedMb })] });
  return stub.libraryPath;
}

test("on a host with GPUs it runs the whole stack and tells what it saw", async (context) => {
  context.skip(whyNoStubNvml !== undefined, whyNoStubNvml);
  const { status, stdout, stderr } = report({
    CUDA_LIBRARY: await stubCuda(),
    GPUSCHED_NVML_LIBRARY: await stubNvml(2_048),
  });
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toContain("device {");
  expect(stdout).toContain("ok      the job sees one device");
  expect(stdout).toContain("ok      it computed on it: 100000 numbers, wrong at -1");
  expect(stdout).toContain("ok      a job without GPUs sees none");
  expect(stdout).toContain("all as it should be");
});

test("without a GPU it says why it does not run, and that is no failure", () => {
  const { status, stdout } = report({ CUDA_LIBRARY: "/nowhere/libcuda.so.1" });
  expect(stdout).toBe("not run: this host has no driver of NVIDIA's: /nowhere/libcuda.so.1 cannot be loaded\n");
  expect(status).toBe(0);
});
