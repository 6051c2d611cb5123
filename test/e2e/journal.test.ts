/** A controller that was killed left a journal of each of its terms, and both are replayed by the program itself. */
import { once } from "node:events";
import { mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { type DevProcess, killJobs, startDev, startProgram } from "../support/dev-process.ts";
import { RestClient } from "../support/rest-client.ts";

let services: ServiceStack;
let directory: string;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-journal-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(join(directory, "data")) });
});

afterEach(() => services.close());

async function start(): Promise<DevProcess> {
  const flags = ["--executor", "process", "--simulate-gpus", "4", "--journal", join(directory, "journal")];
  return services.add(await startDev({ dataDir: join(directory, "data"), flags }));
}

const replay = (...files: string[]) => gpusched("replay", ...files);

async function gpusched(...args: string[]): Promise<{ code: number | null; lines: string[] }> {
  const { child, output } = startProgram(args, { cwd: directory });
  // "close" and not "exit": all that was printed has then been read.
  await once(child, "close");
  return { code: child.exitCode, lines: output().trimEnd().split("\n") };
}

const job = (name: string, gpu_count: number, script: string) => ({
  tenant_id: "tenant-123",
  name,
  gpu_count,
  script,
  environment: { SECRET: `secret of ${name}` },
});

const IDENTICAL = /^identical: (\d+) batches, (\d+) inputs, hash [0-9a-f]{64}$/;

test("both terms of a controller that was killed are replayed identical, and a damaged journal is refused", async () => {
  const before = await start();
  const rest = new RestClient(before.url);
  const done = await rest.submit(job("done", 1, "true"));
  await rest.jobWhen(done, ({ phase }) => phase === "finished");
  const long = await rest.submit(
    job("long", 4, 'while [ ! -e "$GO" ]; do sleep 0.05; done'.replace("$GO", directory + "/go")),
  );
  await rest.jobWhen(long, ({ state }) => state === "running");
  const waiting = await rest.submit(job("waiting", 4, "true"));
  await expect.poll(async () => (await rest.job(waiting)).phase).toBe("queued");
  await before.kill();

  const after = await start();
  const again = new RestClient(after.url);
  await writeFile(join(directory, "go"), "");
  await again.jobWhen(long, ({ phase }) => phase === "finished");
  await again.jobWhen(waiting, ({ state }) => state === "completed");
  expect(await after.stop()).toBe(0);

  const names = (await readdir(directory)).filter((name) => name.startsWith("journal"));
  expect(names.toSorted()).toEqual(["journal.000001", "journal.000002"]);
  for (const name of names) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
  const { code, lines } = await replay("journal");
  const report = lines.filter((line) => !/was not written whole/.test(line));
  expect(report.map((line) => line.replace(IDENTICAL, "identical"))).toEqual([
    "journal.000001:",
    "identical",
    "journal.000002:",
    "identical",
  ]);
  expect(code).toBe(0);
  await expectDecided("journal.000001", `placed job ${long} attempt 1 on `);
  await expectDecided("journal.000002", `placed job ${waiting} attempt 1 on `);

  // The job that still ran when the controller was killed, and the one behind it.
  const first = await gpusched("policy-diff", "journal.000001", "--policy", "fifo", "--json");
  expect(JSON.parse(first.lines.join("\n"))).toMatchObject({
    columns: ["recorded", "default", "fifo"].map((name) => ({ name, total: { jobs: 3 } })),
    uncertain_run_times: { [long]: "at-least", [waiting]: "guessed" },
  });
  const second = await gpusched("policy-diff", "journal.000002");
  expect(second).toMatchObject({ code: 0, lines: expect.arrayContaining(["2 of 2 jobs are from before the journal"]) });

  const text = await readFile(join(directory, "journal.000002"), "utf8");
  await writeFile(join(directory, "changed"), text.replace(/"phase":"ended"/, '"phase":"Ended"'));
  const changed = await replay("changed");
  expect(changed.code).toBe(65);
  expect(changed.lines[0]).toMatch(/^unusable: line \d+ is damaged: its checksum is not that of its text$/);
  await writeFile(join(directory, "cut"), text.slice(0, -9));
  const cut = await replay("cut");
  expect(cut).toMatchObject({
    code: 0,
    lines: [expect.stringMatching(IDENTICAL), expect.stringMatching(/not written whole/)],
  });
});

/** The journal says so in words, without what the job was given. */
async function expectDecided(name: string, decision: string): Promise<void> {
  const text = await readFile(join(directory, name), "utf8");
  const decisions = text.split("\n").flatMap((line) => /"decisions":\[(.*?)\],"hash"/.exec(line)?.[1] ?? []);
  expect(decisions.join("\n")).toContain(decision);
  expect(decisions.join("\n")).not.toContain("secret of");
}
