import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_CONTAINER_POLICY, imageRefusal, runsAsImageUser } from "./container-policy.ts";
import { ownerProblem, parsePolicy, readPolicy } from "./read-policy.ts";

const SOMEBODY = 1_000;
const IS_ROOT = process.getuid?.() === 0;
const read = (file: string) => readPolicy({ file, allowVolume: [] });

describe("what a policy file says", () => {
  test("all of it is taken, and what is left out is the built-in policy's", () => {
    const text = `
      volumes: [{ path: /data }, { path: /scratch, writable: true }]
      images: [nvidia/]
      registries: [docker.io]
      user: "1000:100"
      root: remapped
      root_images: [team/app]
      read_only_root: false
      pids: 100
      open_files: 2048
      locked_memory_mb: unlimited
      tmp_mb: 64
      scratch_mb: 100
      network: none
      blocked_destinations: [10.0.0.0/8, "[fd00::5]:443"]
      runtimes: [nvidia]`;
    expect(parsePolicy("f", text)).toEqual({
      volumes: [
        { path: "/data", writable: false },
        { path: "/scratch", writable: true },
      ],
      images: ["nvidia/"],
      registries: ["docker.io"],
      user: { uid: 1_000, gid: 100 },
      root: "remapped",
      rootImages: ["team/app"],
      readOnlyRoot: false,
      pids: 100,
      openFiles: 2_048,
      lockedMemoryMb: "unlimited",
      tmpMb: 64,
      scratchMb: 100,
      network: "none",
      blockedDestinations: ["10.0.0.0/8", "[fd00::5]:443"],
      runtimes: ["nvidia"],
    });
    expect(parsePolicy("f", "pids: 100")).toEqual({ ...DEFAULT_CONTAINER_POLICY, pids: 100 });
    expect(parsePolicy("f", "# pids: 100\n")).toEqual(DEFAULT_CONTAINER_POLICY);
  });

  test.each([
    ["privileged: true", "the policy file f: privileged is not a known field"],
    ["volumes: [{ path: /data, mode: rw }]", "the policy file f: volumes[0].mode is not a known field"],
    ["volumes: [{ path: /etc/ssl }]", "the policy file f: volumes[0].path lies in /etc, which no job is ever given"],
    ["volumes: [{ path: / }]", "the policy file f: volumes[0].path must not be /"],
    ["volumes: [{ path: data }]", "the policy file f: volumes[0].path must be an absolute path"],
    ["volumes: /data", "the policy file f: volumes must be a list"],
    ['user: "0:0"', 'the policy file f: user must be "UID:GID"'],
    ["user: 1000", 'the policy file f: user must be "UID:GID"'],
    ["root: yes", "the policy file f: root must be never, remapped or allowed"],
    ["network: container:other", "the policy file f: network must be tenant, default, none, host"],
    ["blocked_destinations: [example.com]", "f: blocked_destinations[0] must be an address or a network"],
    ["blocked_destinations: 10.0.0.0/8", "f: blocked_destinations must be a list"],
    ["pids: 0", "the policy file f: pids must be a whole number from 16"],
    ["pids: 100\npids: 200", "the policy file f has pids twice, again in line 2"],
    ["- pids", "the policy file f: must be an object"],
    ["pids: [", "the policy file f is not YAML"],
  ])("%s is a fault that is named", (text, message) => {
    expect(() => parsePolicy("f", text)).toThrow(message);
  });
});

test("a file of somebody's, or one that others can write, is not root's word", () => {
  expect(ownerProblem({ uid: 0, mode: 0o100644 }, "it")).toBeUndefined();
  expect(ownerProblem({ uid: SOMEBODY, mode: 0o100600 }, "it")).toBe("it belongs to user 1000; it must belong to root");
  for (const mode of [0o100664, 0o100646, 0o100666]) {
    expect(ownerProblem({ uid: 0, mode }, "it")).toBe("it can be written by others than root");
  }
});

describe("a policy file as it lies there", () => {
  let directory: string;
  const at = (name: string) => join(directory, name);

  beforeEach((context) => {
    context.skip(!IS_ROOT, "files that are root's are needed, and the tests do not run as root");
  });

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-policy-")));
    if (!IS_ROOT) return;
    writeFileSync(at("good"), "pids: 99", { mode: 0o644 });
    writeFileSync(at("theirs"), "pids: 99");
    chownSync(at("theirs"), SOMEBODY, SOMEBODY);
    writeFileSync(at("open"), "pids: 99");
    chmodSync(at("open"), 0o666);
    symlinkSync("good", at("link"));
    mkdirSync(at("folder"));
    mkdirSync(at("shared"));
    chmodSync(at("shared"), 0o777);
    writeFileSync(at("shared/good"), "pids: 99");
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  test("is taken when it is root's alone, with what the command line allows beside it", () => {
    const { policy, note } = readPolicy({ file: at("good"), allowVolume: [{ path: "/data", writable: true }] });
    expect(policy).toEqual({ ...DEFAULT_CONTAINER_POLICY, pids: 99, volumes: [{ path: "/data", writable: true }] });
    expect(note).toMatch(/by \S+good: user 65534:65534, .* volumes from \/data \(writable\)$/);
  });

  test.each([
    ["theirs", "it belongs to user 1000"],
    ["open", "it can be written by others than root"],
    ["shared/good", "its directory"],
    ["link", "is a symbolic link"],
    ["folder", "is not a file"],
    ["nothing", "cannot be read: ENOENT"],
  ])("%s is refused", (name, message) => {
    expect(() => read(at(name))).toThrow(message);
  });

  test("none in its usual place is the built-in policy", () => {
    const { policy, note } = readPolicy({ file: undefined, allowVolume: [] }, at("nothing"));
    expect(policy).toEqual(DEFAULT_CONTAINER_POLICY);
    expect(note).toContain("by the built-in policy");
  });
});

test("images are allowed by where they come from and by how their names begin, up to a whole part", () => {
  const policy = { ...DEFAULT_CONTAINER_POLICY, images: ["nvidia/cuda", "registry.example.com/"] };
  for (const image of ["nvidia/cuda", "nvidia/cuda:12", "nvidia/cuda/x", "registry.example.com/a/b"]) {
    expect(imageRefusal(image, policy)).toBeUndefined();
  }
  for (const image of ["nvidia/cuda-evil", "registry.example.com.evil.org/a", "busybox"]) {
    expect(imageRefusal(image, policy)).toMatch(/does not allow the image/);
  }
  const hub = { ...DEFAULT_CONTAINER_POLICY, registries: ["docker.io"] };
  expect(imageRefusal("busybox", hub)).toBeUndefined();
  expect(imageRefusal("ghcr.io/a/b", hub)).toMatch(/no images from ghcr\.io/);
});

test("an image's own user counts only where that is allowed, and with remapped only where root is nobody", () => {
  const of = (root: "never" | "remapped" | "allowed", image: string, isRemapped: boolean) =>
    runsAsImageUser(image, { ...DEFAULT_CONTAINER_POLICY, root, rootImages: ["team/"] }, isRemapped);
  expect(of("never", "team/a", true)).toBe(false);
  expect([of("remapped", "team/a", false), of("remapped", "team/a", true)]).toEqual([false, true]);
  expect([of("allowed", "team/a", false), of("allowed", "other/a", false)]).toEqual([true, false]);
});
