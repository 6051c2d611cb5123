/** What a job finds when it looks around in its container, and what its volumes really are, on a real Docker Engine. */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Executor, LaunchSpec } from "../../agent/executor/executor.ts";
import { DEFAULT_CONTAINER_POLICY } from "../../agent/policy/container-policy.ts";
import type { Service } from "../../base/service.ts";
import { textOf } from "../support/allocation-log.ts";
import { containerNameOf, DockerExecutorWorld, job, reading } from "../support/docker-executor-world.ts";

const NOBODY = 65_534;
const SOMEBODY = 1_000;

let world: DockerExecutorWorld;
let executor: Executor;
let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  world = await DockerExecutorWorld.start({ nvidiaRuntime: true });
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-volumes-")));
  for (const [name, owner] of Object.entries({ read: 0, write: NOBODY, "write/own": NOBODY, theirs: SOMEBODY })) {
    mkdirSync(at(name), { mode: 0o755 });
    chownSync(at(name), owner, owner);
  }
  writeFileSync(at("read/file"), "allowed\n");
  const volumes = [
    { path: at("read"), writable: false },
    { path: at("write"), writable: true },
    { path: at("theirs"), writable: true },
  ];
  executor = await world.executor({ policy: { ...DEFAULT_CONTAINER_POLICY, volumes, pids: 64 } });
});

afterAll(async () => {
  await world?.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

async function outputOf(spec: LaunchSpec): Promise<string> {
  await world.runToEnd(spec, executor);
  return await textOf(executor.readLog(spec.key, reading()));
}

test("a job has no rights, no way to get any, and may write in its own places only", async () => {
  const script = `
    for name in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do grep "^$name:" /proc/self/status; done
    echo "user $(id -u):$(id -g)"
    echo "core $(ulimit -c) files $(ulimit -n)"
    (echo x > /x) 2>/dev/null && echo "the root file system can be written"
    (echo x > /bin/x) 2>/dev/null && echo "programs can be written"
    (echo x > /proc/sys/kernel/domainname) 2>/dev/null && echo "the kernel can be told"
    (echo x > /gpusched/x) 2>/dev/null && echo "beside the scratch directory"
    busybox mount -t tmpfs none /etc 2>/dev/null && echo "mounted"
    busybox mount -o remount,rw / 2>/dev/null && echo "mounted anew"
    busybox mknod /tmp/null c 1 3 2>/dev/null && echo "made a device"
    busybox unshare -U true 2>/dev/null && echo "made a namespace"
    busybox find / -xdev -type s 2>/dev/null
    for place in /tmp "$GPUSCHED_SCRATCH_DIR" "$HOME" "$TMPDIR" /dev/shm; do echo x > "$place/file" && cat "$place/file"; done
    echo "$GPUSCHED_SCRATCH_DIR $HOME $TMPDIR"
    printf '#!/bin/sh\\necho ran\\n' > "$TMPDIR/program"; busybox chmod +x "$TMPDIR/program"; "$TMPDIR/program"
    busybox df -k /dev/shm | tail -n 1 | busybox awk '{print "shm", $2}'
    ls -d /sys/class/net/* 2>/dev/null; echo "[$NVIDIA_VISIBLE_DEVICES] [$CUDA_VISIBLE_DEVICES]"
    busybox ps | grep -c .`;
  const output = (await outputOf(job(script, { memoryMb: 128, shmSizeMb: 24 }))).split("\n");
  const none = "0000000000000000";
  expect(output.slice(0, 7)).toEqual([
    ...["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}:\t${none}`),
    "NoNewPrivs:\t1",
    "Seccomp:\t2",
  ]);
  expect(output.slice(7, 17)).toEqual([
    `user ${NOBODY}:${NOBODY}`,
    "core 0 files 16384",
    ...Array<string>(5).fill("x"),
    "/gpusched/scratch /gpusched/scratch /gpusched/scratch/tmp",
    "ran",
    `shm ${24 * 1_024}`,
  ]);
  expect(output).toContain("[void] []");
});

test("the engine was told so, and keeps the output within limits", async () => {
  const spec = job("true", { gpus: 1 });
  await world.runToEnd(spec, executor);
  const { HostConfig, Config } = await world.engine.docker.getContainer(containerNameOf(spec.key)).inspect();
  expect(HostConfig).toMatchObject({
    Privileged: false,
    CapAdd: null,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    ReadonlyRootfs: true,
    PidMode: "",
    UTSMode: "",
    UsernsMode: "",
    IpcMode: "private",
    Binds: null,
    PortBindings: {},
    Devices: null,
    PidsLimit: 64,
    LogConfig: { Type: "json-file", Config: { "max-size": "64m", "max-file": "2" } },
  });
  expect(Config).toMatchObject({ User: `${NOBODY}:${NOBODY}`, StopTimeout: 10 });
});

test("a fork bomb ends at its limit", async () => {
  const script = `i=0; while [ $i -lt 300 ]; do sleep 30 & i=$((i+1)); done; echo "all of them"`;
  expect(await outputOf(job(script))).not.toContain("all of them");
});

test("what an image says of NVIDIA's devices does not count, and what its labels say is not ours", async () => {
  const config = {
    Env: ["NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_MIG_CONFIG_DEVICES=all", "NVIDIA_GDS=enabled"],
    Labels: { "gpusched.milli": "1", "gpusched.agent": "another" },
  };
  const base = await world.engine.docker.createContainer({ Image: "test/busybox:1", Cmd: ["true"] });
  await base.commit({ repo: "test/greedy", tag: "1", ...config });
  await base.remove();
  const spec = { ...job("env"), image: "test/greedy:1" };
  const variables = (await outputOf(spec)).split("\n").filter((it) => it.startsWith("NVIDIA_"));
  expect(variables).toEqual(["NVIDIA_VISIBLE_DEVICES=void"]);
  const { Config } = await world.engine.docker.getContainer(containerNameOf(spec.key)).inspect();
  expect(Config.Labels).toMatchObject({ "gpusched.milli": "", "gpusched.agent": "agent-a" });
});

test("the scratch directory goes with the release", async () => {
  const spec = job(`mkdir -p "$GPUSCHED_SCRATCH_DIR/a/b"; echo x > "$GPUSCHED_SCRATCH_DIR/a/b/c"`);
  const before = new Set((await world.engine.docker.listVolumes()).Volumes.map(({ Name }) => Name));
  await world.runToEnd(spec, executor);
  const during = (await world.engine.docker.listVolumes()).Volumes.filter(({ Name }) => !before.has(Name));
  expect(during).toHaveLength(1);
  await executor.release(spec.key);
  const after = (await world.engine.docker.listVolumes()).Volumes.filter(({ Name }) => !before.has(Name));
  expect(after).toEqual([]);
});

test("a job whose scratch directory holds more than it may is ended, and another is not", async () => {
  const policy = { ...DEFAULT_CONTAINER_POLICY, scratchMb: 4 };
  const other = await world.executor({ policy, scratchEveryMs: 50, agentId: "agent-scratch" });
  const fill = (mb: number) => `dd if=/dev/zero of="$TMPDIR/full" bs=1048576 count=${mb} 2>/dev/null; echo filled; `;
  const [within, large] = [job(`${fill(2)} sleep 600`), job(`${fill(8)} sleep 600`)];
  try {
    other.launch(within);
    await world.log.untilRunning(within.key);
    const { end } = await world.runToEnd(large, other);
    const message = "its scratch directory held 8 MB, and may hold 4 MB on this node";
    expect(end).toEqual({ kind: "bad-request", message });
    expect(world.log.of(within.key).at(-1)).toMatchObject({ phase: "running", stopping: false });
  } finally {
    other.stop(within.key, 0, "the test is over");
    await world.log.untilEnded(within.key);
    await other.close();
  }
});

const volume = (source: string, readOnly: boolean, target = "/mnt/data") => ({ source, target, readOnly });

test("a volume is what it says, and can be written only where that was asked for and is allowed", async () => {
  const script = `cat /mnt/data/file; (echo y > /mnt/data/file) 2>/dev/null && echo written; echo z > /mnt/out/file; cat /mnt/one`;
  const volumes = [
    volume(at("read"), true),
    volume(at("write"), false, "/mnt/out"),
    volume(at("read/file"), true, "/mnt/one"),
  ];
  expect(await outputOf(job(script, { volumes }))).toBe("allowed\nallowed\n");
  expect(readFileSync(at("write/file"), "utf8")).toBe("z\n");
  expect(readFileSync(at("read/file"), "utf8")).toBe("allowed\n");
});

test.each([
  ["what is not there, and it is not made", "read/nothing", true, /^there is no /],
  ["writing what may only be read", "read", false, /only to be read$/],
  ["what jobs themselves could put in its place", "write/own", true, /^jobs can change what lies in /],
])("a job is not given %s", async (_, name, readOnly, message) => {
  const spec = job("true", { volumes: [volume(at(name), readOnly)] });
  const { end } = await world.runToEnd(spec, executor);
  expect(end).toMatchObject({ kind: "bad-request", message: expect.stringMatching(message) });
  expect(existsSync(at("read/nothing"))).toBe(false);
  expect(await world.containersOf(spec.key)).toBe(0);
});

/** The engine's socket, with something done just before each request. */
async function socketBefore(request: (line: string) => void): Promise<Service & { readonly path: string }> {
  const path = at(`engine-${Math.random().toString(36).slice(2)}.sock`);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(world.engine.socketPath);
    sockets.add(socket);
    socket.on("data", (data) => {
      request(data.toString("latin1").split("\r\n", 1)[0] ?? "");
      onward.write(data);
    });
    onward.pipe(socket);
    for (const it of [socket, onward]) it.on("error", () => socket.destroy()).on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { path, close };
}

test.each([
  ["stays there", false],
  ["is taken away again at once", true],
])("a link that is put in a source's place after it was looked at, and %s, is noticed", async (_, isBrief) => {
  const [data, old, secret] = ["data", "old", "secret"].map((it) => at(`theirs/${it}-${String(isBrief)}`)) as [
    string,
    string,
    string,
  ];
  for (const [path, text] of [
    [data, "allowed\n"],
    [secret, "secret\n"],
  ] as const) {
    mkdirSync(path);
    writeFileSync(join(path, "file"), text);
  }
  let isSwapped = false;
  const swap = (line: string): void => {
    if (/^POST .*\/start/.test(line)) {
      isSwapped = true;
      renameSync(data, old);
      symlinkSync(secret, data);
    } else if (isBrief && isSwapped && /^GET .*\/json/.test(line) && existsSync(old)) {
      rmSync(data);
      renameSync(old, data);
    }
  };
  const proxy = await socketBefore(swap);
  const policy = { ...DEFAULT_CONTAINER_POLICY, volumes: [{ path: at("theirs"), writable: false }] };
  const other = await world.executor({ socketPath: proxy.path, policy });
  try {
    const spec = job("cat /mnt/data/file; sleep 600", { volumes: [volume(data, true)] });
    const { end } = await world.runToEnd(spec, other);
    const message = `the volume ${data} was changed while the container was started: it was stopped at once`;
    expect(end).toEqual({ kind: "bad-request", message });
    expect(await world.containersOf(spec.key)).toBe(0);
  } finally {
    await other.close();
    await proxy.close();
  }
});
