import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test, type TestContext } from "vitest";
import { readHierarchies } from "./cgroup-tree.ts";
import { readGroupFile, writeGroupFile } from "./group-files.ts";
import { findPlace, type GroupPlace, leavePlace } from "./group-place.ts";
import {
  createJobGroup,
  entrancesOf,
  killJobGroup,
  limitFiles,
  processesOfJob,
  ranOutOfMemory,
  removeJobGroup,
} from "./job-group.ts";

const LIMITS = { memoryMb: 64, cpuCores: 2 };
const WAIT = { timeout: 30_000, interval: 10 };
const isRoot = process.getuid?.() === 0;

/** Where this host lets groups of that version be made; a test that finds none is skipped with the reason. */
function placeOf(version: 1 | 2, context: TestContext): GroupPlace {
  const hierarchies = readHierarchies().filter((it) => it.version === version);
  const name = `gpusched-test-${basename(temporary())}`;
  const { place, reason } = findPlace(hierarchies, name, isRoot);
  context.skip(place === undefined, `control groups of version ${version}: ${reason}`);
  if (!place) throw new Error(reason);
  onTestFinished(() => leavePlace(place));
  return place;
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-groups-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A shell that enters the group before it does what it is told. */
function runIn(entrances: readonly string[], script: string): ChildProcess {
  const enter = entrances.map((path) => `echo 0 > '${path}'`).join(" && ");
  const child = spawn("/bin/sh", ["-c", `${enter} && ${script}`], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const kill = (pid: number): void => void process.kill(pid, "SIGKILL");

for (const version of [1, 2] as const) {
  test(`version ${version}: what left its session is found and killed with the rest`, async (context) => {
    const group = createJobGroup(placeOf(version, context), "job-1-1-0", LIMITS);
    const leader = runIn(entrancesOf(group), "{ setsid setsid sleep 600 & setsid sleep 600 & sleep 600; }");
    await expect.poll(() => processesOfJob(group).length, WAIT).toBeGreaterThanOrEqual(4);
    expect(removeJobGroup(group)).toBe(false);
    const exited = once(leader, "exit");
    killJobGroup(group, kill);
    await exited;
    await expect.poll(() => processesOfJob(group), WAIT).toEqual([]);
    expect(removeJobGroup(group)).toBe(true);
    expect(group.directories.filter(existsSync)).toEqual([]);
  });
}

test("groups that a job makes in its own are found and removed with it", async (context) => {
  const group = createJobGroup(placeOf(1, context), "job-1-1-0", LIMITS);
  const inner = join(group.processes, "inner");
  mkdirSync(inner);
  runIn([join(inner, "cgroup.procs")], "sleep 600");
  await expect.poll(() => processesOfJob(group).length, WAIT).toBeGreaterThan(0);
  killJobGroup(group, kill);
  await expect.poll(() => processesOfJob(group), WAIT).toEqual([]);
  expect(removeJobGroup(group)).toBe(true);
});

test("limits are the kernel's, and a death for want of memory is counted for this attempt alone", async (context) => {
  const place = placeOf(1, context);
  context.skip(place.limits.length < 3, "this host limits only a part");
  const group = createJobGroup(place, "job-1-1-0", LIMITS);
  const of = (use: "memory" | "cpu" | "pids") => join(place.directories.get(use) ?? "", "job-1-1-0");
  expect(readGroupFile(of("memory"), "memory.limit_in_bytes").trim()).toBe(String(64 * 1024 * 1024));
  expect(readGroupFile(of("cpu"), "cpu.cfs_quota_us").trim()).toBe("200000");
  expect(readGroupFile(of("pids"), "pids.max").trim()).toBe("4096");
  expect(ranOutOfMemory(group)).toBe(false);
  const greedy = runIn(entrancesOf(group), "head -c 200000000 /dev/zero | tail");
  await once(greedy, "exit");
  expect(ranOutOfMemory(group)).toBe(true);
  await expect.poll(() => processesOfJob(group), WAIT).toEqual([]);
  const again = createJobGroup(place, "job-1-1-0", LIMITS);
  expect(ranOutOfMemory(again)).toBe(false);
  expect(removeJobGroup(again)).toBe(true);
});

test("version 2 has the same limits in its own words", () => {
  const of = (limit: "memory" | "cpu" | "pids", version: 1 | 2 = 2, cores = 1.5) =>
    limitFiles(version, limit, 64, cores).map(({ name, value }) => `${name} ${value}`);
  expect(of("memory")).toEqual(["memory.max 67108864", "memory.swap.max 0"]);
  expect(of("cpu")).toEqual(["cpu.max 150000 100000"]);
  expect(of("pids")).toEqual(["pids.max 4096"]);
  expect(of("memory", 1)).toEqual(["memory.limit_in_bytes 67108864", "memory.memsw.limit_in_bytes 67108864"]);
  expect(of("cpu", 1)).toEqual(["cpu.cfs_period_us 100000", "cpu.cfs_quota_us 150000"]);
  expect(of("cpu", 2, 0)).toEqual([]);
});

test("what version 2 tells of deaths is read", () => {
  const directory = temporary();
  const group = {
    version: 2,
    directories: [directory],
    processes: directory,
    memory: directory,
    memoryMb: 64,
  } as const;
  expect(ranOutOfMemory({ ...group, directories: [...group.directories] })).toBe(false);
  writeFileSync(join(directory, "memory.events"), "low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\noom_group_kill 0\n");
  expect(ranOutOfMemory({ ...group, directories: [...group.directories] })).toBe(false);
  writeGroupFile(directory, "memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n");
  expect(ranOutOfMemory({ ...group, directories: [...group.directories] })).toBe(true);
});

/** A tree of version 2 in which everything is turned on already, as far as files can be like the kernel's. */
function fakeTree(...groups: readonly string[]): string {
  const root = temporary();
  for (const group of ["", ...groups]) {
    mkdirSync(join(root, group), { recursive: true });
    writeFileSync(join(root, group, "cgroup.subtree_control"), "cpu io memory pids\n");
  }
  return root;
}

test("version 2: jobs are beside the agent where systemd delegates, below the root for root, else without limits", () => {
  const delegated = fakeTree("unit/agent", "unit/gpusched");
  const hierarchy = (root: string, own: string) => [
    { version: 2, controllers: [], mountPoint: root, own: join(root, own) } as const,
  ];
  const beside = findPlace(hierarchy(delegated, "unit/agent"), "gpusched-1-2", false);
  expect(beside.reason).toBe("limited by control groups (version 2): memory, cores, processes");
  expect(beside.missing).toEqual([]);
  expect(beside.place?.directories.get("memory")).toBe(join(delegated, "unit/gpusched/gpusched-1-2"));

  const top = fakeTree("session", "gpusched");
  const below = findPlace(hierarchy(top, "session"), "gpusched-1-2", true);
  expect(below.place?.directories.get("pids")).toBe(join(top, "gpusched/gpusched-1-2"));
  expect(below.place?.limits).toEqual(["memory", "cpu", "pids"]);

  const plain = findPlace(hierarchy(top, "session"), "gpusched-1-2", false);
  expect(plain.place?.directories.get("freezer")).toBe(join(top, "session/gpusched-1-2"));
  expect(plain.place?.limits).toEqual([]);
  expect(plain.missing).toEqual(["memory", "cpu", "pids"]);
  expect(plain.reason).toMatch(/^nothing is limited: the agent has no control group of its own \(systemd 254/);
});

test("a host without control groups, or one that lets none be made, says so", () => {
  expect(findPlace([], "gpusched-1-2", true)).toEqual({
    place: undefined,
    reason: "this host has no control groups that can be seen",
    missing: ["memory", "cpu", "pids"],
  });
  const own = "/proc/self/nowhere";
  const memory = { version: 1, controllers: ["memory"], mountPoint: "/proc", own } as const;
  expect(findPlace([memory], "gpusched-1-2", true)).toEqual({
    place: undefined,
    reason: expect.stringMatching(/^control groups cannot be made here: ENOENT/),
    missing: ["memory", "cpu", "pids"],
  });
});
