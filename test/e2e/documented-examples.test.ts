/** The examples of docs/api.md, exactly as they stand there, against the default start. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "@wasm-fmt/gofmt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";
import { type DevProcess, startDev } from "../support/dev-process.ts";
import { type CurlAnswer, type Example, examplesOf, runProgram, runShell } from "../support/examples.ts";

const examples = examplesOf(readFileSync(join(packageRoot, "docs/api.md"), "utf8"));
const shell = examplesIn("bash");

/** The id in the reference, which no job has. */
const NO_SUCH_JOB = "job-1234567890";

let dev: DevProcess;

beforeAll(async () => {
  // What the default start chooses on a host with neither Docker nor a GPU, so that the host's own are left alone.
  const flags = ["--executor", "process", "--simulate-gpus", "4"];
  dev = await startDev({ defaultPorts: true, flags });
});
afterAll(() => dev?.close());

function examplesIn(language: string): Example[] {
  return examples.filter((example) => example.language === language);
}

function only(language: string): Example {
  const [example, ...others] = examplesIn(language);
  if (!example || others.length > 0) throw new Error(`docs/api.md must have one example in ${language}`);
  return example;
}

async function jobNamed(name: string): Promise<unknown> {
  const response = await fetch(`${dev.url}/api/v1/jobs?name=${name}`);
  const { jobs } = (await response.json()) as { jobs: unknown[] };
  return jobs[0];
}

test("the default rate limit is the documented one", async () => {
  const response = await fetch("http://localhost:8080/api/v1/cluster/status");
  expect(response.headers.get("RateLimit-Limit")).toBe("100");
});

test("none has disappeared", () => {
  const calls = shell.flatMap(({ code }) => [...code.matchAll(/^\s*curl /gm)]);
  const counts = ["bash", "python", "javascript", "go"].map((language) => examplesIn(language).length);
  expect([...counts, calls.length]).toEqual([17, 1, 1, 1, 20]);
});

describe("curl", () => {
  test.each(shell)("$heading", async ({ code }) => {
    const { code: exitCode, stderr, answers } = await runShell(code);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(answers).toHaveLength([...code.matchAll(/^\s*curl /gm)].length);
    for (const answer of answers) checkAnswer(answer);
  });

  test("the job that was submitted has what the example asked for", async () => {
    expect(await jobNamed("training-job")).toMatchObject({ tenant_id: "tenant-123", priority: 500, gpu_count: 2 });
  });
});

function checkAnswer(answer: CurlAnswer): void {
  const body: unknown = JSON.parse(answer.body);
  if (answer.url.includes(NO_SUCH_JOB)) {
    expect(answer).toMatchObject({ status: 404 });
    expect(body).toEqual({ error: "Job not found" });
    return;
  }
  if (answer.url.includes("/nodes/node-7/")) {
    expect(answer).toMatchObject({ status: 404 });
    expect(body).toEqual({ error: "Node not found" });
    return;
  }
  // A submission that is only tried makes nothing.
  const makesSomething = answer.method === "POST" && !answer.url.includes("dry_run=true");
  expect(answer).toMatchObject({ status: makesSomething ? 201 : 200 });
  expect(body).not.toHaveProperty("error");
}

test("Python", async () => {
  const { code, stdout, stderr } = await runProgram("python3", ["example.py"], { "example.py": only("python").code });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [, id] = /^Job submitted: (job-\d+)$/m.exec(stdout) ?? [];
  expect(stdout).toContain(`{'job_id': '${id}', 'state': `);
  expect(await jobNamed("python-job")).toMatchObject({ id, gpu_count: 1 });
});

test("Node.js", async () => {
  // Found here, so that a missing one is named.
  import.meta.resolve("axios");
  const program = `${only("javascript").code}\nsubmitJob();\n`;
  const { code, stdout, stderr } = await runProgram(process.execPath, ["example.cjs"], { "example.cjs": program });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [, id] = /^Job submitted: (job-\d+)$/m.exec(stdout) ?? [];
  expect(await jobNamed("nodejs-job")).toMatchObject({ id, gpu_count: 1 });
});

test("Go", async () => {
  const { code: source } = only("go");
  expect(format(source)).toContain("func submitJob()");
  if (spawnSync("go", ["version"]).status !== 0) {
    console.log("Go: there is no toolchain on this host, so that the example was parsed and not run");
    return;
  }
  const files = { "example.go": source, "main.go": "package main\n\nfunc main() { submitJob() }\n" };
  const { code, stderr } = await runProgram("go", ["run", "example.go", "main.go"], files);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(await jobNamed("go-job")).toMatchObject({ gpu_count: 1 });
});

test("what is not Go would have been noticed", () => {
  const damaged = only("go").code.replace("func submitJob() {", "func submitJob( {");
  expect(() => format(damaged)).toThrow();
});
