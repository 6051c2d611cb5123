/** Examples in documents: finding them, and running them as a reader would who copies them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../base/version.ts";

const RUN_WITHIN_MS = 120_000;

export interface Example {
  /** As the fence says it: `bash`, `json`, … */
  readonly language: string;
  readonly code: string;
  /** The last heading above it, for the names of tests. */
  readonly heading: string;
}

export interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a server answered to one of an example's calls of curl. */
export interface CurlAnswer {
  readonly status: number;
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** Every fenced block of a Markdown text, in order. */
export function examplesOf(markdown: string): Example[] {
  const examples: Example[] = [];
  let heading = "";
  for (const [, title, language, code] of markdown.matchAll(/^(?:#+ (.*)|```(\w*)\n([^]*?)^```)$/gm)) {
    heading = title ?? heading;
    if (language !== undefined && code !== undefined) examples.push({ language, code, heading });
  }
  return examples;
}

/** Runs a shell's example unchanged; curl tells the statuses because its own configuration says so, not the example. */
export async function runShell(code: string): Promise<Outcome & { readonly answers: readonly CurlAnswer[] }> {
  return inTemporaryDirectory(async (directory) => {
    await writeFile(
      join(directory, ".curlrc"),
      `silent\nshow-error\nwrite-out = "\\n@@ %{http_code} %{method} %{url}\\n"\n`,
    );
    const outcome = await run("bash", ["-e", "-c", code], { CURL_HOME: directory }, directory);
    const calls = outcome.stdout.matchAll(/([^]*?)\n@@ (\d+) (\S+) (\S+)\n/g);
    const answers = [...calls].map(([, body = "", status, method = "", url = ""]) => {
      return { status: Number(status), method, url, body };
    });
    return { ...outcome, answers };
  });
}

/** Runs a program of one or more files with the interpreter that is given; modules are found as if it were in this project. */
export async function runProgram(
  command: string,
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<Outcome> {
  return inTemporaryDirectory(async (directory) => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
    return run(command, args, { NODE_PATH: join(packageRoot, "node_modules") }, directory);
  });
}

async function inTemporaryDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "gpusched-example-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv, cwd: string): Promise<Outcome> {
  // A proxy is of no use to reach this host.
  const env = { ...process.env, no_proxy: "*", NO_PROXY: "*", ...environment };
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, timeout: RUN_WITHIN_MS }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? error?.signal ?? 0, stdout, stderr });
    });
  });
}
