/** What no job may have: refused through REST, and from a leader that was taken over, on a real Docker Engine. */
import { mkdirSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { DockerDev } from "../support/docker-dev.ts";
import { type DockerEngine, startDockerEngine, TEST_IMAGE } from "../support/docker-engine.ts";
import { FakeController } from "../support/fake-controller.ts";
import {
  type ForbiddenRow,
  forbiddenRows,
  makeTraps,
  type TrapDirectory,
} from "../support/forbidden-specifications.ts";
import { startRole } from "../support/role-process.ts";

const patience = { timeout: 60_000, interval: 20 };
/** So many there must be of each way. */
const LEAST = 40;

const services = new ServiceStack();
let engine: DockerEngine;
let traps: TrapDirectory;
let directory: string;
let rows: readonly ForbiddenRow[];
let allowed: string[];

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-forbidden-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  for (const name of ["allowed", "allowed-beside", "secret", "agents/one"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  engine = await startDockerEngine();
  services.add({ close: () => engine.stop() });
  traps = services.add(await makeTraps(join(directory, "allowed"), join(directory, "secret")));
  const socket = engine.socketPath;
  rows = forbiddenRows(traps, { socket, dataDir: join(directory, "agents/one") });
  allowed = ["--allow-volume", [traps.path, dirname(socket), join(directory, "agents")].join()];
});

afterAll(() => services.close());

/** Whatever was made, also what was never started. */
async function containers(): Promise<string[]> {
  return (await engine.docker.listContainers({ all: true })).flatMap(({ Names }) => Names);
}

test("through REST: refused with the field named, or ended by the agent as the user's to mend", async () => {
  const world = services.add(await DockerDev.start({ on: engine, flags: allowed }));
  const good = { tenant_id: "tenant-123", name: "odd", gpu_count: 0, image: TEST_IMAGE, command: ["true"] };
  const faults: unknown[] = [];
  const named = rows.flatMap(({ name, rest }) => (rest ? [{ name, ...rest }] : []));
  for (const { name, fields, named: field } of named) {
    const answer = await world.rest.ask("POST", "/jobs", { ...good, ...fields });
    const isNamed = answer?.status === 400 && answer.text.includes(field);
    if (!isNamed) faults.push({ name, status: answer?.status, text: answer?.text });
  }
  expect(faults).toEqual([]);
  expect(named.length).toBeGreaterThanOrEqual(LEAST);

  const told = rows.flatMap(({ name, ends }) => (ends ? [{ name, ...ends }] : []));
  const ids = await Promise.all(told.map(({ fields }) => world.rest.submit({ ...good, ...fields })));
  const ends = await Promise.all(
    ids.map((id) =>
      world.rest.jobWhen(id, ({ phase, message }) => phase === "finished" || /can ever run/.test(message)),
    ),
  );
  const wrong = told.filter(({ message }, index) => !message.test(ends[index]?.message ?? ""));
  expect(wrong.map(({ name }) => [name, ends[told.findIndex((it) => it.name === name)]?.message])).toEqual([]);
  expect(await containers()).toEqual([]);
});

test("from a leader that was taken over: ended by the agent, and nothing is made", async () => {
  const controller = services.add(await FakeController.start({ term: 3, cluster_id: "forged", lease_ms: 60_000 }));
  const flags = ["--docker-socket", engine.socketPath, "--simulate-gpus", "2", "--heartbeat", "200ms", ...allowed];
  const dataDir = join(directory, "agents/one");
  services.add(startRole("agent", "--controllers", controller.address, "--data-dir", dataDir, ...flags));
  await expect.poll(() => controller.session?.heartbeats.length, patience).toBeGreaterThan(0);

  const forged = rows.flatMap(({ name, launch }) => (launch ? [{ name, launch }] : []));
  const base = { tenant_id: "tenant-1", job_name: "forged", image: TEST_IMAGE, cpu_cores: 1, memory_mb: 64 };
  const key = (index: number) => ({ job_id: `job-${index + 1}`, attempt: 1, rank: 0 });
  for (const [index, { launch }] of forged.entries()) {
    controller.session?.command(3, { launch: { command: ["sleep", "600"], ...base, ...launch, key: key(index) } });
  }
  const reports = (index: number) =>
    controller.session?.reports.filter((it) => it.key?.job_id === key(index).job_id) ?? [];
  const endOf = (index: number) => reports(index).find(({ phase }) => phase === "ALLOCATION_PHASE_ENDED");
  await expect.poll(() => forged.flatMap(({ name }, index) => (endOf(index) ? [] : [name])), patience).toEqual([]);

  const ran = forged.filter((_, index) => endOf(index)?.started_at_ms !== undefined);
  expect(ran.map(({ name }) => name)).toEqual([]);
  const unexplained = forged.filter((_, index) => {
    const { cause, message } = endOf(index) ?? {};
    return !(cause === "END_CAUSE_BAD_REQUEST" || cause === "END_CAUSE_NODE") || !message || /internal/.test(message);
  });
  expect(unexplained.map(({ name }) => name)).toEqual([]);
  expect(forged.length).toBeGreaterThanOrEqual(LEAST);
  expect(await containers()).toEqual([]);

  // The same leader is obeyed where it asks for what is allowed: the refusals were not for another reason.
  const volumes = [{ source: join(traps.path, "data"), target: "/mnt/data", read_only: true }];
  controller.session?.command(3, { launch: { ...base, command: ["true"], volumes, key: key(10_000) } });
  await expect.poll(() => endOf(10_000), patience).toMatchObject({ cause: "END_CAUSE_EXITED", exit_code: 0 });
});
