import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

let directory = "";
let jobs = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "replay-"));
  jobs = join(directory, "jobs.csv");
  writeFileSync(jobs, "submit_s,gpus,duration_s\n0,1,10\n0,1,20\n");
});
afterAll(() => rmSync(directory, { recursive: true }));

function replay(...args: readonly string[]) {
  const program = join(import.meta.dirname, "replay.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("policies of one's own are compared with those that are named, and figures written", () => {
  const [policies, json] = [join(directory, "own.yaml"), join(directory, "figures.json")];
  writeFileSync(policies, "night:\n  extends: fifo\n");
  const own = ["--policies", policies, "--policy", "core: night", "--policy", "fifo"];
  const { status, stdout } = replay("--jobs", jobs, "--nodes", "1x1", "--json", json, ...own);
  expect(status).toBe(0);
  expect(stdout.split("\n").slice(1, 4)).toEqual(
    ["policy", "fifo", "core: night"].map((s) => expect.stringMatching(`^${s} `) as string),
  );
  const figures = JSON.parse(readFileSync(json, "utf8")) as unknown;
  expect(figures).toMatchObject(["fifo", "core: night"].map((policy) => ({ policy, figures: { "wait s": 5 } })));
});

test.each([
  [0, ["--help"], /^$/],
  [2, [], /^neither --traces nor --jobs is given\n\nUsage/],
  [2, ["--jobs", "JOBS"], /^--jobs and --nodes go together\n/],
  [2, ["--jobs", "JOBS", "--nodes", "1x1", "--only", "kth"], /^--only kth needs --traces\n/],
  [
    2,
    ["--jobs", "JOBS", "--nodes", "1x1", "--policy", "nope"],
    /^no policy begins with nope; there are: fifo; .*core: fifo\n$/,
  ],
  [2, ["--jobs", "JOBS", "--nodes", "1x1", "--json", "DIR"], /^--json .* cannot be written: EISDIR.*\n/],
  [2, ["--traces", "DIR", "--policies", "none.yaml"], /^the policies file none.yaml cannot be read: ENOENT.*\n/],
  [2, ["--traces", "DIR", "--seeds", "1.5"], /^--seeds must be a whole number of at least 1\n/],
  [65, ["--jobs", "none.csv", "--nodes", "1x1"], /^none.csv cannot be read: ENOENT.*\n$/],
  [65, ["--jobs", "JOBS", "--nodes", "axb"], /^--nodes axb is neither a file nor NxG, such as 16x8\n$/],
  [65, ["--traces", "DIR", "--only", "saturation"], /openb_pods_default.jobs.csv.gz cannot be read: ENOENT.*\n$/],
])("ends with %i for %j, with a sentence and no stack", (code, args, message) => {
  const named = args.map((arg) => (arg === "JOBS" ? jobs : arg === "DIR" ? directory : arg));
  const { status, stderr } = replay(...named);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(status).toBe(code);
});

test("a file for figures that cannot be replayed is not written over", () => {
  const json = join(directory, "kept.json");
  writeFileSync(json, "[]");
  expect(replay("--jobs", "none.csv", "--nodes", "1x1", "--json", json).status).toBe(65);
  expect(existsSync(json) && readFileSync(json, "utf8")).toBe("[]");
});
