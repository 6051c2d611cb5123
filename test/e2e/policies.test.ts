/** A policy of the operator's own, from the file into the journal, which does not need the file any more. */
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { startProgram } from "../support/dev-process.ts";
import { startRole } from "../support/role-process.ts";

let services: ServiceStack;
let directory: string;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await mkdtemp(join(tmpdir(), "gpusched-policies-"));
  services.add({ close: () => rm(directory, { recursive: true, force: true }) });
});

afterEach(() => services.close());

async function gpusched(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { child, output } = startProgram(args, { cwd: directory });
  await once(child, "close");
  return { code: child.exitCode, output: output() };
}

test("a controller schedules by a policy of the file, and its journal says all of it", async () => {
  const file = join(directory, "policies.yaml");
  await writeFile(file, "research: { extends: greedy, aging: { every_hours: 6 } }\n");
  expect(await gpusched("policies", "research", "--policies", file)).toEqual({
    code: 0,
    output: expect.stringMatching(/^research:\n {2}aging:\n {4}every_hours: 6\n[^]*backfill: greedy\n/),
  });
  const policy = ["--policies", file, "--policy", "research"];
  const places = ["--data-dir", join(directory, "data"), "--journal", join(directory, "journal")];
  const controller = services.add(startRole("controller", "--listen", "127.0.0.1:0", ...policy, ...places));
  await controller.untilLogged("the controller leads");
  expect(await controller.stop()).toBe(0);
  await rm(file);

  const journal = join(directory, "journal.000001");
  const [header = ""] = (await readFile(journal, "utf8")).split("\n");
  expect(JSON.parse(header)).toMatchObject({
    settings: { policy: { name: "research", aging: { stepMs: 6 * 3_600_000, points: 1_000 }, backfill: "greedy" } },
  });
  expect(await gpusched("replay", journal)).toMatchObject({ code: 0, output: expect.stringMatching(/^identical: /) });

  await writeFile(
    file,
    "research: { extends: greedy, aging: { every_hours: 7 } }\nnight: { backfill: conservative }\n",
  );
  const diff = await gpusched("policy-diff", journal, ...policy, "--policy", "night");
  expect(diff.code).toBe(0);
  expect(diff.output).toMatch(/^all jobs +recorded +research +research \(now\) +night$/m);
});
