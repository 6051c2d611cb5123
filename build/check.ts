/** `npm run check`: everything that can be said about the code without running it. One line for each check; what failed is shown below its line. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { staleGeneratedTypes } from "./generated-types.ts";
import { CODE_FOLDERS, root, typeScriptFiles } from "./source-files.ts";

/** Resolves with what is wrong; empty when all is well. */
type Check = () => Promise<string>;

const CHECKS: Readonly<Record<string, Check>> = {
  types: () => tool("tsc", "--noEmit", "--project", "."),
  lint: () => tool("oxlint"),
  format: () => tool("biome", "format", "."),
  layers: checkLayers,
  unused: () => tool("knip", "--treat-config-hints-as-errors"),
  "generated types": async () =>
    staleGeneratedTypes()
      .map((name) => `proto/generated/${name} is stale: npm run generate`)
      .join("\n"),
};

const results = await Promise.all(Object.entries(CHECKS).map(([name, check]) => report(name, check)));
process.exitCode = results.every((passed) => passed) ? 0 : 1;

async function report(name: string, check: Check): Promise<boolean> {
  const startedAt = performance.now();
  const problems = await check().catch((error: unknown) => `the check itself failed: ${String(error)}`);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${problems ? "FAILED" : "ok    "}  ${name.padEnd(16)} ${seconds} s`);
  if (problems) console.log(problems);
  return !problems;
}

/** Runs a tool of node_modules; resolves with its output if it failed. */
async function tool(name: string, ...args: string[]): Promise<string> {
  const { code, output } = await run(name, args);
  return code === 0 ? "" : output.trim() || `${name} ended with code ${code}`;
}

async function run(name: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const tools = join(root, "node_modules/.bin");
  // The tools' own "node" is this project's too, whoever calls.
  const env = { ...process.env, PATH: `${tools}:${process.env["PATH"] ?? ""}` };
  const child = spawn(join(tools, name), args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output: output + errors };
}

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** Who imports whom; and that the tool has read every file, because with a TypeScript that it does not know it reads none and is content. */
async function checkLayers(): Promise<string> {
  const folders = CODE_FOLDERS.filter((folder) => existsSync(join(root, folder)));
  const { code, output } = await run("depcruise", [
    "--config",
    ".dependency-cruiser.cjs",
    "--output-type",
    "json",
    ...folders,
  ]);
  if (!output.startsWith("{")) return `dependency-cruiser ended with code ${code}: ${output}`;
  const { modules, summary } = JSON.parse(output) as Cruise;
  const read = new Set(modules.map((module) => module.source));
  const files = typeScriptFiles(folders);
  const unread = files.filter((file) => !read.has(file));
  return [
    ...summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
    ...(files.length === 0 ? ["there are no files to read"] : []),
    ...unread.map((file) => `dependency-cruiser has not read ${file}`),
  ].join("\n");
}
