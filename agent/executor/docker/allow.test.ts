import { expect, test } from "vitest";
import { launchSpec } from "../../../test/support/allocation-log.ts";
import { type ContainerPolicy, DEFAULT_CONTAINER_POLICY } from "../../policy/container-policy.ts";
import { allow } from "./allow.ts";
import type { HostFacts } from "./container-options.ts";

const host: HostFacts = {
  owner: { agentId: "a", nodeName: "n", bootId: "b" },
  engineId: "engine-a",
  cpus: 2,
  hasInit: false,
  grant: { kind: "runtime", reason: "", devices: new Map() },
  runtime: undefined,
  policy: DEFAULT_CONTAINER_POLICY,
  isRemapped: false,
  cgroupVersion: "1",
};
const spec = launchSpec({ image: "team/app:1", gpus: 1, cpuCores: 4 });
const under = (policy: Partial<ContainerPolicy>, more: Partial<HostFacts> = {}) => ({
  ...host,
  ...more,
  policy: { ...DEFAULT_CONTAINER_POLICY, ...policy },
});

test("a launch becomes a container under the built-in policy, whichever way its devices come", () => {
  for (const kind of ["cdi", "runtime", "device-requests", "environment", "none"] as const) {
    for (const cgroupVersion of ["1", "2", undefined]) {
      const facts = { ...host, grant: { kind, reason: "", devices: new Map() }, cgroupVersion };
      expect(allow(spec, [], facts)).toMatchObject({ kind: "allowed", options: { User: "65534:65534" } });
    }
  }
});

test("a container that NVIDIA's hook must find keeps the host's first control groups", () => {
  const of = (facts: HostFacts, gpus: number) => {
    const allowed = allow(launchSpec({ image: "x", gpus }), [], facts);
    return allowed.kind === "allowed" ? allowed.options.HostConfig.CgroupnsMode : allowed;
  };
  expect([of(host, 1), of(host, 0), of({ ...host, cgroupVersion: "2" }, 1)]).toEqual([undefined, "private", "private"]);
});

test("an image has its own user only where the policy says so", () => {
  const userOf = (facts: HostFacts) => {
    const allowed = allow(spec, [], facts);
    return allowed.kind === "allowed" ? allowed.options.User : allowed;
  };
  expect(userOf(under({ root: "allowed" }))).toBeUndefined();
  expect(userOf(under({ root: "allowed", rootImages: ["other/"] }))).toBe("65534:65534");
  expect(userOf(under({ root: "remapped" }))).toBe("65534:65534");
  expect(userOf(under({ root: "remapped" }, { isRemapped: true }))).toBeUndefined();
  expect(userOf(under({ user: { uid: 1_000, gid: 100 } }))).toBe("1000:100");
});

test("what the policy says of containers is what they are", () => {
  const policy = { readOnlyRoot: false, pids: 9, openFiles: 8, lockedMemoryMb: "unlimited", network: "none" } as const;
  const more = { tmpMb: 7 };
  expect(allow(spec, [], under({ ...policy, ...more }))).toMatchObject({
    options: {
      HostConfig: {
        ReadonlyRootfs: false,
        PidsLimit: 9,
        NetworkMode: "none",
        NanoCpus: 2e9,
        Tmpfs: { "/tmp": expect.stringMatching(/size=7m$/) },
        Ulimits: [
          { Name: "nofile", Soft: 8, Hard: 8 },
          { Name: "core", Soft: 0, Hard: 0 },
          { Name: "memlock", Soft: -1, Hard: -1 },
        ],
      },
    },
  });
});

test.each<[string, object, Partial<ContainerPolicy>, Partial<HostFacts>, string]>([
  ["no image", { image: undefined }, {}, {}, "needs an image"],
  ["a registry at home", { image: "10.0.0.1:5000/a" }, {}, {}, "names a registry at a private"],
  ["an image of another registry", {}, { registries: ["ghcr.io"] }, {}, "no images from docker.io"],
  ["another image", {}, { images: ["other/"] }, {}, "does not allow the image"],
  ["a runtime that is not allowed", {}, { runtimes: ["nvidia"] }, { runtime: "crun" }, "the runtime crun"],
  ["no cores", { cpuCores: 0 }, {}, {}, "at least one core"],
  ["no memory", { memoryMb: 0 }, {}, {}, "needs memory"],
  ["more shared memory than memory", { shmSizeMb: 65 }, {}, {}, "must not be more than"],
  ["a variable with a NUL", { environment: { A: "\0" } }, {}, {}, "Env is not allowed as it is"],
  ["the network of another container", {}, { network: "container:x" }, {}, "NetworkMode is not allowed as it is"],
])("%s is refused", (_, given, policy, facts, message) => {
  const refused = allow({ ...spec, ...given }, [], under(policy, facts));
  expect(refused).toMatchObject({ message: expect.stringContaining(message) });
});

test("a registry at home is allowed by its name", () => {
  const image = "10.0.0.1:5000/a";
  expect(allow({ ...spec, image }, [], under({ registries: ["10.0.0.1"] })).kind).toBe("allowed");
});
