import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { containersIn, HostProcesses } from "./host-processes.ts";

const C1 = "1a".repeat(32);
const C2 = "2b".repeat(32);

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function start(program: string, detached = false): Promise<number> {
  const child = spawn(program, ["1000"], { stdio: "ignore", detached });
  children.push(child);
  await once(child, "spawn");
  return child.pid ?? 0;
}

describe("containersIn", () => {
  test.each([
    ["version 2 with systemd", `0::/system.slice/docker-${C1}.scope`, [C1]],
    ["version 2 with cgroupfs", `0::/docker/${C1}`, [C1]],
    ["version 1", `12:devices:/docker/${C1}\n4:memory:/docker/${C1}\n1:name=systemd:/docker/${C1}`, [C1]],
    ["Kubernetes", `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${C1}.scope`, [C1]],
    ["an engine in a container", `0::/docker/${C1}/docker/${C2}`, [C1, C2]],
    ["a session", "0::/user.slice/user-1000.slice/session-3.scope", []],
    ["something longer", `0::/x/${C1}0`, []],
    ["one that is gone", "", []],
  ])("%s", (_, cgroups, expected) => expect(containersIn(cgroups)).toEqual(expected));
});

test("tells who a process is, and of its session while that has its leader", async () => {
  const processes = new HostProcesses();
  const pid = await start("sleep", true);
  const found = processes.read([pid]).get(pid);
  expect(found).toMatchObject({ pid, command: "sleep", user: userInfo().username, session: pid });
  expect(found?.leaderStartTicks).toBe(found?.startTicks);
  expect(processes.read([pid]).get(pid)).toEqual(found);
});

test("tells the whole name of a program that the kernel cuts off", async () => {
  const directory = await mkdtemp(join(tmpdir(), "host-processes-"));
  try {
    const program = join(directory, "nvidia-cuda-mps-server");
    await copyFile("/bin/sleep", program);
    const pid = await start(program);
    expect(new HostProcesses().read([pid]).get(pid)?.command).toBe("nvidia-cuda-mps-server");
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("leaves out what is gone, what waits to be reaped, and what no process is", async () => {
  const processes = new HostProcesses();
  const pid = await start("sleep");
  expect([...processes.read([pid, pid, 0, -1]).keys()]).toEqual([pid]);
  const [child] = children;
  child?.kill("SIGKILL");
  if (child) await once(child, "exit");
  expect(processes.read([pid]).size).toBe(0);
});
