import { expect, test } from "vitest";
import { forbiddenRows } from "../../../test/support/forbidden-specifications.ts";
import { launchSpec } from "../../../test/support/allocation-log.ts";
import { DEFAULT_CONTAINER_POLICY } from "../../policy/container-policy.ts";
import { asDeviceId } from "../../../base/ids.ts";
import { containerOptions, type HostFacts } from "./container-options.ts";
import type { HostConfig } from "./engine-client.ts";
import { finalLook } from "./final-look.ts";

const host: HostFacts = {
  owner: { agentId: "a", nodeName: "n", bootId: "b" },
  engineId: "engine-a",
  cpus: 8,
  hasInit: true,
  grant: { kind: "device-requests", reason: "", devices: new Map() },
  runtime: undefined,
  policy: DEFAULT_CONTAINER_POLICY,
  isRemapped: false,
  cgroupVersion: "2",
};
const data = { source: "/data", target: "/mnt", readOnly: true, asked: "/data", identity: "1:2" };
const looked = { image: "x", volumes: [data], asImageUser: false };
const spec = launchSpec({ image: "x", gpus: 1, command: ["true"] });
const options = containerOptions(spec, looked, host);
const decided = { spec, looked, host };

const noTraps = { path: "/data", hasDevice: false, close: async () => {} };
const rows = forbiddenRows(noTraps, { socket: "/s", dataDir: "/d" });
const changes = rows.flatMap(({ name, create }) => (create ? [{ name, create }] : []));
const topChanges = rows.flatMap(({ name, createTop }) => (createTop ? [{ name, createTop }] : []));

test("what the agent itself makes of a launch passes", () => {
  expect(finalLook(options, decided)).toBeUndefined();
});

test("devices that are granted by their files pass with just these, and CDI's names are those of its specification", () => {
  const [id = asDeviceId("")] = spec.deviceIds;
  const device = { cdiName: "amd.com/gpu=3", nodes: ["/dev/kfd", "/dev/dri/renderD128"], groups: [44] };
  const by = (kind: "cdi" | "devices") => ({ ...host, grant: { kind, reason: "", devices: new Map([[id, device]]) } });
  for (const kind of ["cdi", "devices"] as const) {
    const made = containerOptions(spec, looked, by(kind));
    expect(finalLook(made, { ...decided, host: by(kind) })).toBeUndefined();
    // Granted in that way, and not in this one.
    const field = kind === "cdi" ? "DeviceRequests" : "Devices";
    expect(finalLook({ ...options, HostConfig: { ...options.HostConfig, ...made.HostConfig } }, decided)).toBe(field);
  }
  const made = containerOptions(spec, looked, by("devices"));
  const GroupAdd = ["44", "0"];
  const forged = { ...made, HostConfig: { ...made.HostConfig, GroupAdd } };
  expect(finalLook(forged, { ...decided, host: by("devices") })).toBe("GroupAdd");
});

test.each(changes)("$name is found in what the engine would be told", ({ create }) => {
  const [field] = Object.keys(create);
  expect(finalLook({ ...options, HostConfig: { ...options.HostConfig, ...create } }, decided)).toBe(field);
});

test.each(topChanges)("$name is found beside the host's part", ({ createTop }) => {
  expect(finalLook({ ...options, ...createTop }, decided)).toBe(Object.keys(createTop)[0]);
});

test.each(
  Object.keys(options.HostConfig).filter((it) => !/^(Init|Tmpfs|Mounts|RestartPolicy|Device|Cgroupns)/.test(it)),
)("a container without %s is none", (field) => {
  const { [field as keyof HostConfig]: _, ...rest } = options.HostConfig;
  expect(finalLook({ ...options, HostConfig: rest }, decided)).toBe(field);
});

const [scratch, bind] = options.HostConfig.Mounts ?? [];
test.each([
  ["another source", { ...bind, Source: "/etc" }],
  ["another place", { ...bind, Target: "/etc" }],
  ["writing", { ...bind, ReadOnly: false }],
  ["what is mounted later", { ...bind, BindOptions: { Propagation: "rshared", NonRecursive: true } }],
  ["a volume of another's", { ...scratch, Source: "others" }],
  [
    "a volume by another's hand",
    {
      ...scratch,
      VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "local", Options: { device: "/" } } },
    },
  ],
  ["a named pipe", { Type: "npipe", Source: "/x", Target: "/x" }],
])("a mount with %s is found", (_, mount) => {
  const Mounts = [mount] as NonNullable<HostConfig["Mounts"]>;
  expect(finalLook({ ...options, HostConfig: { ...options.HostConfig, Mounts } }, decided)).toBe("Mounts");
});

test.each([
  ["all devices", ["NVIDIA_VISIBLE_DEVICES=all"]],
  ["devices twice", [...(options.Env ?? []), "NVIDIA_VISIBLE_DEVICES=all"]],
  ["none said", ["A=b"]],
])("an environment with %s is found", (_, Env) => {
  expect(finalLook({ ...options, Env }, decided)).toBe("Env");
});

test("root is found, whoever wrote it", () => {
  const root = { ...host, policy: { ...host.policy, user: { uid: 0, gid: 0 } } };
  expect(finalLook(containerOptions(spec, looked, root), { ...decided, host: root })).toBe("User");
});
