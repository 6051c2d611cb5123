import type { DeviceSource } from "./device-source.ts";

/** A host without devices. */
export function noDevices(reason: string): DeviceSource {
  return {
    name: "none",
    reason,
    driverVersion: "",
    cudaVersion: "",
    list: async () => ({ devices: [], links: [], lost: [] }),
    read: async () => [],
    events: () => [],
    close: async () => {},
  };
}
