import type { DeviceId } from "../../../base/ids.ts";
import type { GpuGrant } from "../executor.ts";
import type { HostConfig } from "./engine-client.ts";
import type { EngineInfo } from "./engine-facts.ts";

/** What may be asked for; `auto` takes the best that the engine has. */
export type GpuGrantSetting = "auto" | "cdi" | "runtime" | "device-requests" | "devices" | "none";

export const NVIDIA_RUNTIME = "nvidia";
const NVIDIA_KIND = "nvidia.com/gpu";
const RELOAD = "a reload of systemd takes the devices away from running containers with it, and CDI does not";

/** What one device is to the engine. */
export interface GrantedDevice {
  /** `nvidia.com/gpu=GPU-…`; undefined where CDI has no device for it. */
  readonly cdiName: string | undefined;
  /** Its own files in `/dev`, and those of all; for a grant by files alone. */
  readonly nodes: readonly string[];
  /** Whose members may use these files. */
  readonly groups: readonly number[];
}

/** How devices reach containers, and what that takes for each. */
export interface DockerGrant extends GpuGrant {
  readonly devices: ReadonlyMap<DeviceId, GrantedDevice>;
}

export interface GrantQuestion {
  readonly setting: GpuGrantSetting;
  /** A runtime that every container must have, whatever grants its devices. */
  readonly runtime: string | undefined;
  readonly simulated: boolean;
  readonly vendor: "nvidia" | "amd";
  readonly info: EngineInfo;
  /** Why CDI cannot grant this node's devices; undefined when it can. */
  readonly cdiProblem: string | undefined;
  /** NVIDIA's hook, which device requests need, is where Docker looks for it. */
  readonly hasHook: boolean;
}

/**
 * How devices reach containers. CDI comes first because a reload of systemd takes no device away from a running
 * container with it; the runtime is next because it can be seen whether it is there, which is not so for device requests.
 */
export function chooseGrant(question: GrantQuestion): GpuGrant {
  const { setting, runtime, simulated, vendor, info, cdiProblem } = question;
  if (setting === "none") return { kind: "none", reason: "this agent is told to grant no devices" };
  if (setting !== "auto") return { kind: setting, reason: "this agent is told to use it" };
  if (runtime !== undefined) return { kind: "runtime", reason: `this agent is told to use the runtime ${runtime}` };
  const hasRuntime = info.Runtimes !== undefined && NVIDIA_RUNTIME in info.Runtimes;
  if (simulated) {
    if (hasRuntime) return { kind: "runtime", reason: "Docker has the runtime nvidia" };
    const reason = "devices are simulated and Docker has no runtime nvidia: jobs are told their devices and get none";
    return { kind: "environment", reason };
  }
  if (cdiProblem === undefined) return { kind: "cdi", reason: "Docker knows this node's devices through CDI" };
  if (vendor === "amd") return { kind: "devices", reason: `not by CDI (${cdiProblem}), so by the files in /dev` };
  const legacy = info.CgroupDriver === "systemd" ? `; ${RELOAD}` : "";
  if (hasRuntime) {
    return { kind: "runtime", reason: `Docker has the runtime nvidia, and not by CDI (${cdiProblem})${legacy}` };
  }
  const hook = question.hasHook ? "NVIDIA's hook is there" : "and NVIDIA's hook, which they need, was not found";
  const reason = `not by CDI (${cdiProblem}), and Docker has no runtime nvidia: its device requests are left, ${hook}`;
  return { kind: "device-requests", reason: `${reason}${legacy}` };
}

/** Why these devices cannot be granted in that way now: a sentence; undefined when they can. */
export function grantProblem(grant: DockerGrant, deviceIds: readonly DeviceId[]): string | undefined {
  for (const id of deviceIds) {
    const device = grant.devices.get(id);
    if (grant.kind === "cdi" && device !== undefined && device.cdiName === undefined) {
      return `CDI has no device ${id} on this node: its specification must be written anew`;
    }
    if (grant.kind === "devices" && (device?.nodes.length ?? 0) === 0) {
      return `device ${id} has no files in /dev on this node`;
    }
  }
  return undefined;
}

/** The part of a container's host configuration that grants the devices. */
export function grantOptions(
  grant: DockerGrant,
  runtime: string | undefined,
  deviceIds: readonly DeviceId[],
): HostConfig {
  const always = runtime === undefined ? {} : { Runtime: runtime };
  if (deviceIds.length === 0) return always;
  switch (grant.kind) {
    case "runtime":
      return { Runtime: runtime ?? NVIDIA_RUNTIME };
    case "cdi": {
      const names = deviceIds.map((id) => cdiNameOf(grant, id));
      return { ...always, DeviceRequests: [{ Driver: "cdi", DeviceIDs: names }] };
    }
    case "device-requests": {
      const capabilities = [["gpu", "compute", "utility"]];
      return {
        ...always,
        DeviceRequests: [{ Driver: "nvidia", DeviceIDs: [...deviceIds], Capabilities: capabilities }],
      };
    }
    case "devices":
      return { ...always, ...nodeOptions(deviceIds.flatMap((id) => grant.devices.get(id) ?? [])) };
    case "environment":
    case "none":
      return always;
  }
}

/** By what name CDI is asked for the device: its specification's, or where that is not known by the UUID. */
export function cdiNameOf(grant: DockerGrant, id: DeviceId): string {
  return grant.devices.get(id)?.cdiName ?? `${NVIDIA_KIND}=${id}`;
}

/** `void` keeps NVIDIA's runtime from honouring an image that asks for all devices. */
export function visibleDevices(grant: GpuGrant, deviceIds: readonly DeviceId[]): string {
  const isNvidias = grant.kind !== "none" && grant.kind !== "devices";
  return deviceIds.length > 0 && isNvidias ? deviceIds.join(",") : "void";
}

function nodeOptions(devices: readonly GrantedDevice[]): HostConfig {
  const nodes = [...new Set(devices.flatMap((it) => it.nodes))];
  const groups = [...new Set(devices.flatMap((it) => it.groups))];
  return {
    Devices: nodes.map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: "rw" })),
    GroupAdd: groups.map(String),
  };
}
