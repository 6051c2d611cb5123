import type { Device, DeviceReading, DeviceSource } from "../../agent/devices/device-source.ts";
import { asDeviceId } from "../../base/ids.ts";

/** Devices as the test says; each call's answer can be replaced by one that fails or never comes. */
export class FakeDeviceSource implements DeviceSource {
  readonly name = "simulated";
  readonly reason = "a test";
  readonly driverVersion = "0";
  devices: readonly Device[];
  listNow: () => Promise<readonly Device[]> = async () => this.devices;
  readNow: () => Promise<readonly DeviceReading[]> = async () =>
    this.devices.map(({ id }) => ({
      id,
      utilizationPercent: 50,
      memoryUsedMb: 1_000,
      temperatureC: undefined,
      powerW: undefined,
      isThrottling: undefined,
    }));

  constructor(count: number) {
    this.devices = Array.from({ length: count }, (_, index) => ({
      id: asDeviceId(`gpu-${index + 1}`),
      model: "Fake",
      memoryMb: 80_000,
      index,
      pciBusId: "",
      numaNode: undefined,
      island: undefined,
      slowdownC: undefined,
    }));
  }

  list(): Promise<readonly Device[]> {
    return this.listNow();
  }

  read(): Promise<readonly DeviceReading[]> {
    return this.readNow();
  }

  async close(): Promise<void> {}
}
