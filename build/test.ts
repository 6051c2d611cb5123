/** `npm test`: finds or installs what tests need, checks the code, builds it, runs every test. Arguments go to vitest. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseCLI, startVitest } from "vitest/node";
import { root } from "./source-files.ts";
import { SummaryReporter } from "./test-summary.ts";
import { prepareTestTools } from "./test-tools.ts";

const GPU_TEST = join(root, "test/gpu/gpu.ts");
const isContinuousIntegration = process.env["CI"] === "true";

process.exit((await main(process.argv.slice(2))) ? 0 : 1);

async function main(args: readonly string[]): Promise<boolean> {
  if (!prepareTestTools()) return false;
  const summary = new SummaryReporter();
  const failedSteps = (["check", "build"] as const).filter((script) => !runs(script));
  const { filter, options } = parseCLI(["vitest", "run", ...args]);
  const vitest = await startVitest("test", filter, { ...options, watch: false, reporters: ["default", summary] });
  await vitest.close();
  for (const script of failedSteps) console.log(`failed   npm run ${script}: see above`);
  summary.failed += failedSteps.length;
  if (isContinuousIntegration && summary.skips.length > 0) console.log("in CI nothing may be skipped");
  summary.print();
  const gpuWorks = testGpu();
  const mayHaveSkipped = !isContinuousIntegration || summary.skips.length === 0;
  return mayHaveSkipped && summary.passed > 0 && summary.failed === 0 && gpuWorks && !process.exitCode;
}

/** What no machine without a GPU can do, and so counts as nothing there. */
function testGpu(): boolean {
  const { status, stdout } = spawnSync(process.execPath, [GPU_TEST], { encoding: "utf8", cwd: root });
  console.log(stdout.trimEnd().replace(/^not run:/, "skipped  npm run test:gpu:"));
  return status === 0;
}

/** Runs one of the other build scripts. */
function runs(script: "check" | "build"): boolean {
  return (
    spawnSync(process.execPath, [join(root, "build", `${script}.ts`)], { stdio: "inherit", cwd: root }).status === 0
  );
}
