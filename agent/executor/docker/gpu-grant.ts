import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceId } from "../../../base/ids.ts";
import type { GpuGrant } from "../executor.ts";
import type { EngineInfo, HostConfig } from "./engine-client.ts";

/** What may be asked for; `auto` takes the best that the engine has. */
export type GpuGrantSetting = "auto" | "cdi" | "runtime" | "device-requests" | "none";

export const NVIDIA_RUNTIME = "nvidia";
const CDI_KIND = "nvidia.com/gpu";

export interface GrantQuestion {
  readonly setting: GpuGrantSetting;
  /** A runtime that every container must have, whatever grants its devices. */
  readonly runtime: string | undefined;
  readonly simulated: boolean;
  readonly info: EngineInfo;
}

/**
 * How devices reach containers. CDI comes first because a reload of systemd takes no device away from a running
 * container with it; the runtime is next because it can be seen whether it is there, which is not so for device requests.
 */
export function chooseGrant(question: GrantQuestion): GpuGrant {
  const { setting, runtime, simulated, info } = question;
  if (setting === "none") return { kind: "none", reason: "this agent is told to grant no devices" };
  if (setting !== "auto") return { kind: setting, reason: "this agent is told to use it" };
  if (runtime !== undefined) return { kind: "runtime", reason: `this agent is told to use the runtime ${runtime}` };
  if (!simulated && hasCdiDevices(info)) return { kind: "cdi", reason: "Docker knows NVIDIA's devices through CDI" };
  const hasRuntime = info.Runtimes !== undefined && NVIDIA_RUNTIME in info.Runtimes;
  if (hasRuntime) return { kind: "runtime", reason: "Docker has the runtime nvidia" };
  if (simulated) {
    const reason = "devices are simulated and Docker has no runtime nvidia: jobs are told their devices and get none";
    return { kind: "environment", reason };
  }
  const reason = "Docker has neither NVIDIA's devices through CDI nor the runtime nvidia: its device requests are left";
  return { kind: "device-requests", reason };
}

/** The part of a container's host configuration that grants the devices. */
export function grantOptions(grant: GpuGrant, runtime: string | undefined, deviceIds: readonly DeviceId[]): HostConfig {
  const always = runtime === undefined ? {} : { Runtime: runtime };
  if (deviceIds.length === 0) return always;
  switch (grant.kind) {
    case "runtime":
      return { Runtime: runtime ?? NVIDIA_RUNTIME };
    case "cdi":
      return { ...always, DeviceRequests: [{ Driver: "cdi", DeviceIDs: deviceIds.map((id) => `${CDI_KIND}=${id}`) }] };
    case "device-requests": {
      const capabilities = [["gpu", "compute", "utility"]];
      return {
        ...always,
        DeviceRequests: [{ Driver: "nvidia", DeviceIDs: [...deviceIds], Capabilities: capabilities }],
      };
    }
    case "environment":
    case "none":
      return always;
  }
}

/** `void` keeps NVIDIA's runtime from honouring an image that asks for all devices. */
export function visibleDevices(grant: GpuGrant, deviceIds: readonly DeviceId[]): string {
  return deviceIds.length === 0 || grant.kind === "none" ? "void" : deviceIds.join(",");
}

/** Devices are granted by UUID, so a specification that only counts them is of no use. */
function hasCdiDevices(info: EngineInfo): boolean {
  if (info.DiscoveredDevices) {
    return info.DiscoveredDevices.some((device) => /^nvidia\.com\/gpu=(GPU|MIG)-/.test(device.ID ?? ""));
  }
  // Engines before 28.2 do not tell what they found.
  return (info.CDISpecDirs ?? []).some(hasSpecification);
}

function hasSpecification(directory: string): boolean {
  try {
    const files = readdirSync(directory).filter((name) => /\.(json|ya?ml)$/.test(name));
    return files.some((name) => {
      const text = readFileSync(join(directory, name), "utf8");
      return text.includes(CDI_KIND) && /name"?:\s*"?(GPU|MIG)-/.test(text);
    });
  } catch {
    return false;
  }
}
