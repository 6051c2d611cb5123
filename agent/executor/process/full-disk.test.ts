/** The true exit code of a job that ends while the agent's disk is full, whatever becomes of agent and runner then. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AllocationKey, asJobId } from "../../../base/ids.ts";
import { silentLogger } from "../../../base/logger.ts";
import { launchSpec } from "../../../test/support/allocation-log.ts";
import { SmallDisk, skipWithoutSmallDisk } from "../../../test/support/small-disk.ts";
import type { AllocationState, Executor, LaunchSpec } from "../executor.ts";
import { createProcessExecutor } from "./process-executor.ts";

const WAIT = { timeout: 30_000, interval: 20 };
const key: AllocationKey = { jobId: asJobId("job-1"), attempt: 1, rank: 0 };

let disk: SmallDisk;
/** On another disk: for what tests and jobs tell each other. */
let elsewhere: string;
let executors: Executor[];

beforeEach(async (context) => {
  skipWithoutSmallDisk(context);
  disk = new SmallDisk(4);
  elsewhere = await mkdtemp(join(tmpdir(), "full-disk-"));
  executors = [];
});

afterEach(async () => {
  for (const executor of executors ?? []) await executor.close();
  if (!disk) return;
  await killRunner().catch(() => undefined);
  await disk.close();
  await rm(elsewhere, { recursive: true, force: true });
});

async function startAgent() {
  let last: AllocationState | undefined;
  const executor = await createProcessExecutor({
    agentId: "agent-a",
    dataDir: disk.directory,
    minFreeDisk: { bytes: 0, share: undefined },
    log: silentLogger,
    onChange: (_, state) => {
      last = state;
    },
  });
  executors.push(executor);
  const found = await executor.recover();
  return { executor, state: () => last ?? found[0]?.state };
}

async function killRunner(): Promise<void> {
  const pid = Number(await readFile(join(disk.directory, "runner.pid"), "utf8"));
  process.kill(pid, "SIGKILL");
}

/** Ends when it is told to, and not before, with 7. */
function specOf(): LaunchSpec {
  const script = `trap '' TERM; while [ ! -e ${elsewhere}/end ]; do sleep 0.05; done; touch ${elsewhere}/ended; exit 7`;
  return launchSpec({ key, gpus: 1, script });
}

const endJob = () => writeFile(join(elsewhere, "end"), "");
const ended = { phase: "ended", end: { kind: "exited", exitCode: 7 } };

/** The agent has told of the end, and so does the next one, without agent and runner of before. */
async function expectEndIsKept(agent: Awaited<ReturnType<typeof startAgent>>): Promise<void> {
  await expect.poll(() => agent.state(), WAIT).toMatchObject(ended);
  await agent.executor.close();
  await killRunner();
  const next = await startAgent();
  await expect.poll(() => next.state(), WAIT).toMatchObject(ended);
}

test("a job that ends while the disk is full is told of with its exit code, and by the next agent too", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf());
  await expect.poll(() => agent.state()?.phase, WAIT).toBe("running");
  disk.fill();
  await endJob();
  await expectEndIsKept(agent);
});

test("a job is not started where there is no room for its record, and that is the node's fault", async () => {
  const agent = await startAgent();
  disk.fill();
  agent.executor.launch(specOf());
  await expect
    .poll(() => agent.state(), WAIT)
    .toMatchObject({
      phase: "ended",
      end: { kind: "node", message: expect.stringMatching(/^the node could not start it: ENOSPC/) },
    });
});

test("what was written while the disk was full is not taken for newer than what came after", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf());
  await expect.poll(() => agent.state()?.phase, WAIT).toBe("running");
  disk.fill();
  agent.executor.stop(key, 3_600_000, "test");
  await expect.poll(() => agent.state(), WAIT).toMatchObject({ phase: "running", stopping: true });
  disk.empty();
  await endJob();
  await expectEndIsKept(agent);
});
