import {
  type Device,
  type DeviceEvent,
  type DeviceList,
  type DeviceReading,
  type DeviceSource,
  UNTOLD_DEVICE,
  UNTOLD_READING,
} from "../../agent/devices/device-source.ts";
import { asDeviceId } from "../../base/ids.ts";

/** Devices as the test says; each call's answer can be replaced by one that fails or never comes. */
export class FakeDeviceSource implements DeviceSource {
  readonly name = "simulated";
  readonly reason = "a test";
  readonly driverVersion = "0";
  readonly cudaVersion = "";
  devices: readonly Device[];
  links: DeviceList["links"] = [];
  lost: DeviceList["lost"] = [];
  /** Told once, when they are asked for. */
  pendingEvents: readonly DeviceEvent[] = [];
  listNow: () => Promise<DeviceList> = async () => ({ devices: this.devices, links: this.links, lost: this.lost });
  readNow: () => Promise<readonly DeviceReading[]> = async () =>
    this.devices.map(({ id }) => ({ ...UNTOLD_READING, id, utilizationPercent: 50, memoryUsedMb: 1_000 }));

  constructor(count: number) {
    this.devices = Array.from({ length: count }, (_, index) => ({
      ...UNTOLD_DEVICE,
      id: asDeviceId(`gpu-${index + 1}`),
      model: "Fake",
      memoryMb: 80_000,
      index,
      pciBusId: "",
    }));
  }

  list(): Promise<DeviceList> {
    return this.listNow();
  }

  read(): Promise<readonly DeviceReading[]> {
    return this.readNow();
  }

  events(): readonly DeviceEvent[] {
    const told = this.pendingEvents;
    this.pendingEvents = [];
    return told;
  }

  async close(): Promise<void> {}
}
