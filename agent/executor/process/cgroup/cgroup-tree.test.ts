import { expect, test } from "vitest";
import { parseHierarchies } from "./cgroup-tree.ts";

test("version 2 alone, as on a host of today", () => {
  const mounts = "35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
  expect(parseHierarchies("0::/system.slice/gpusched-agent.service/agent\n", mounts)).toEqual([
    {
      version: 2,
      controllers: [],
      mountPoint: "/sys/fs/cgroup",
      own: "/sys/fs/cgroup/system.slice/gpusched-agent.service/agent",
    },
  ]);
});

test("version 1, with controllers that are mounted together, and version 2 beside it", () => {
  const mounts = [
    "36 25 0:31 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory",
    "37 25 0:32 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct",
    "38 25 0:33 / /sys/fs/cgroup/unified rw shared:12 - cgroup2 cgroup2 rw",
    "39 25 0:34 / /proc rw - proc proc rw",
  ].join("\n");
  const own = "9:pids:/a\n5:memory:/a\n4:cpu,cpuacct:/b\n1:name=systemd:/c\n0::/d\n";
  expect(parseHierarchies(own, mounts).map(({ version, own: directory }) => [version, directory])).toEqual([
    [1, "/sys/fs/cgroup/memory/a"],
    [1, "/sys/fs/cgroup/cpu,cpuacct/b"],
    [2, "/sys/fs/cgroup/unified/d"],
  ]);
});

test("in a container paths begin above what is mounted, and names may have blanks", () => {
  const mounts = "36 25 0:31 /docker/abc /sys/fs/cgroup/my\\040memory ro - cgroup cgroup rw,memory\n";
  const [inside] = parseHierarchies("5:memory:/docker/abc/part\n", mounts);
  expect(inside?.own).toBe("/sys/fs/cgroup/my memory/part");
  expect(parseHierarchies("5:memory:/docker/other\n", mounts)).toEqual([]);
  expect(parseHierarchies("5:memory:/../..\n", mounts)).toEqual([]);
});

test("what is no table has no hierarchies", () => {
  expect(parseHierarchies("", "")).toEqual([]);
  expect(parseHierarchies("nonsense\n0::\n", "nonsense\n - cgroup2\n")).toEqual([]);
});
