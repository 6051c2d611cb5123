import { expect, test } from "vitest";
import { asDeviceId } from "../../base/ids.ts";
import { DAY_MS } from "../../base/time.ts";
import { type DeviceList, UNTOLD_READING } from "../devices/device-source.ts";
import { FakeDeviceSource } from "../../test/support/fake-device-source.ts";
import { GOOD_BEATS, stateOf } from "./device-record.ts";
import { emptyBook, type HealthInput, type HealthReading, inBoot, step } from "./health-book.ts";

const START_MS = 1_700_000_000_000;
const BEAT_MS = 5_000;

/** A host with two devices that are well until the test says otherwise. */
class Host {
  book = emptyBook("boot-1");
  now = START_MS;
  devices = new FakeDeviceSource(2).devices;
  /** What is read of each beyond that it answers. */
  readings: Record<string, Partial<HealthReading>> = {};
  lost: DeviceList["lost"] = [];
  silent: string | undefined;

  constructor() {
    this.list();
    this.beat();
  }

  input(input: Partial<HealthInput> & Pick<HealthInput, "kind">): void {
    this.book = step(this.book, { atMs: this.now, ...input } as HealthInput);
  }

  list(): void {
    this.input({ kind: "listed", devices: this.devices, lost: this.lost });
  }

  beat(times = 1): void {
    for (let left = times; left > 0; left--) {
      this.now += BEAT_MS;
      const readings = this.devices.map(({ id }) => ({ ...UNTOLD_READING, id, ...this.readings[id] }));
      const answered = this.silent === undefined;
      this.input({ kind: "beat", readings: answered ? readings : undefined, failure: this.silent ?? "" });
    }
  }

  xid(xid: number): void {
    this.input({ kind: "xid", deviceId: asDeviceId("gpu-1"), pciBusId: "", xid });
  }

  reboot(): void {
    this.book = inBoot(this.book, "boot-2", this.now);
    this.list();
    this.beat();
  }

  /** `gpu-1`'s health, or that of another. */
  health(id = "gpu-1"): string | undefined {
    return this.book.devices.get(asDeviceId(id))?.health;
  }

  state(id = "gpu-1") {
    const record = this.book.devices.get(asDeviceId(id));
    return record && stateOf(record);
  }
}

test.each([13, 31, 43, 45, 68, 109])("XID %d is a job's own doing: its device stays healthy", (code) => {
  const host = new Host();
  host.xid(code);
  expect(host.state()).toMatchObject({ health: "healthy", reason: "", wayBack: "" });
});

test.each([48, 62, 63, 64, 74, 79, 94, 95, 119, 120, 140])(
  "XID %d makes its device unhealthy at once, until the host was rebooted",
  (code) => {
    const host = new Host();
    host.xid(code);
    expect(host.state()).toMatchObject({ health: "unhealthy", owner: "agent", sinceMs: host.now });
    expect(host.state()?.reason).toMatch(new RegExp(`^XID ${code}: .`));
    expect(host.state()?.wayBack).toMatch(/reboot the host/);
    expect(host.health("gpu-2")).toBe("healthy");
    host.beat(10 * GOOD_BEATS);
    expect(host.health()).toBe("unhealthy");
    host.reboot();
    expect(host.health()).toBe("healthy");
  },
);

test.each([8, 32, 69, 92, 9_999])("XID %d makes its device suspect, and it returns after some good beats", (code) => {
  const host = new Host();
  host.xid(code);
  expect(host.health()).toBe("suspect");
  host.beat(GOOD_BEATS - 1);
  host.xid(code);
  host.beat(GOOD_BEATS - 1);
  expect(host.health()).toBe("suspect");
  host.beat();
  expect(host.health()).toBe("healthy");
});

test("a reset without a reboot cures: it shows in what the driver counts anew, and good beats follow", () => {
  const host = new Host();
  host.readings["gpu-1"] = { eccUncorrected: 0, energyJ: 5_000 };
  host.beat();
  host.xid(48);
  host.beat(GOOD_BEATS);
  host.readings["gpu-1"] = { eccUncorrected: 0, energyJ: 3 };
  host.beat(GOOD_BEATS - 1);
  expect(host.health()).toBe("unhealthy");
  host.beat();
  expect(host.health()).toBe("healthy");
});

test("uncorrected memory errors that grow make a device unhealthy; those that were there before do not", () => {
  const host = new Host();
  host.readings["gpu-1"] = { eccUncorrected: 3 };
  host.beat(2);
  expect(host.health()).toBe("healthy");
  host.readings["gpu-1"] = { eccUncorrected: 5 };
  host.beat();
  expect(host.state()).toMatchObject({ health: "unhealthy", reason: "2 uncorrected errors of its memory (ECC)" });
  host.beat(10 * GOOD_BEATS);
  expect(host.health()).toBe("unhealthy");
  host.readings["gpu-1"] = { eccUncorrected: 0 };
  host.beat(GOOD_BEATS);
  expect(host.health()).toBe("healthy");
});

test("a device that does not answer while others do is unhealthy until it answers for some beats", () => {
  const host = new Host();
  const both = host.devices;
  host.devices = both.slice(1);
  host.beat();
  expect(host.state()).toMatchObject({ health: "unhealthy", reason: "it does not answer" });
  expect(host.health("gpu-2")).toBe("healthy");
  host.devices = both;
  host.beat(GOOD_BEATS - 1);
  expect(host.health()).toBe("unhealthy");
  host.beat();
  expect(host.health()).toBe("healthy");
});

test("a device that has vanished is still told of, comes back when it is listed again, and is forgotten in the end", () => {
  const host = new Host();
  const both = host.devices;
  host.devices = both.slice(1);
  host.list();
  host.beat();
  expect(host.state()).toMatchObject({ health: "unhealthy", reason: "its driver does not list it any more" });
  host.reboot();
  expect(host.health()).toBe("unhealthy");
  host.devices = both;
  host.list();
  host.beat(GOOD_BEATS);
  expect(host.health()).toBe("healthy");
  host.devices = both.slice(1);
  host.list();
  host.now += 7 * DAY_MS;
  host.list();
  expect(host.state()).toBeUndefined();
});

test("a device that its driver lists as lost is unhealthy, and the driver's words are told", () => {
  const host = new Host();
  const both = host.devices;
  host.lost = [{ id: asDeviceId("gpu-1"), pciBusId: "", why: "GPU is lost" }];
  host.list();
  expect(host.state()).toMatchObject({ health: "unhealthy", reason: "it does not answer: GPU is lost" });
  host.devices = both.slice(1);
  host.beat();
  host.devices = both;
  host.lost = [];
  host.list();
  host.beat(GOOD_BEATS);
  expect(host.health()).toBe("healthy");
});

test("a fault of a GPU in slices is one of each of them, and one that is told by address only is found by it", () => {
  const host = new Host();
  const [first, second] = host.devices;
  if (!first || !second) throw new Error("two devices");
  const parentId = asDeviceId("GPU-1");
  host.devices = [
    { ...first, parentId, pciBusId: "0000:01:00.0" },
    { ...second, parentId, pciBusId: "0000:01:00.0" },
  ];
  host.list();
  host.input({ kind: "xid", deviceId: parentId, pciBusId: "", xid: 92 });
  expect([host.health(), host.health("gpu-2")]).toEqual(["suspect", "suspect"]);
  host.input({ kind: "xid", deviceId: undefined, pciBusId: "0000:01:00.0", xid: 79 });
  expect([host.health(), host.health("gpu-2")]).toEqual(["unhealthy", "unhealthy"]);
});

test("what stands in a device's place is what has become of it", () => {
  const host = new Host();
  const [first, second] = host.devices;
  if (!first || !second) throw new Error("two devices");
  host.devices = [{ ...first, pciBusId: "0000:01:00.0" }, second];
  host.list();
  host.devices = [{ ...first, id: asDeviceId("MIG-1"), pciBusId: "0000:01:00.0" }, second];
  host.list();
  expect([...host.book.devices.keys()]).toEqual(["MIG-1", "gpu-2"]);
});

test("a driver that does not answer makes all of its devices suspect at once, and unhealthy if it goes on", () => {
  const host = new Host();
  host.silent = "no answer for 5s";
  host.beat();
  expect([host.health(), host.health("gpu-2")]).toEqual(["suspect", "suspect"]);
  host.beat(2);
  expect(host.state()).toMatchObject({
    health: "unhealthy",
    reason: "its driver does not answer: no answer for 5s",
  });
  host.silent = undefined;
  host.beat(GOOD_BEATS);
  expect([host.health(), host.health("gpu-2")]).toEqual(["healthy", "healthy"]);
});

test("a device that slows itself down for heat is suspect until it has been cool for some beats", () => {
  const host = new Host();
  host.readings["gpu-1"] = { isThrottling: true };
  host.beat(3 * GOOD_BEATS);
  expect(host.state()).toMatchObject({ health: "suspect", reason: "it slows itself down for heat" });
  host.readings = {};
  host.beat(GOOD_BEATS);
  expect(host.health()).toBe("healthy");
});

test("jobs that cannot start make their devices suspect when it happens three times in a row, with none that starts", () => {
  const host = new Host();
  const deviceIds = [asDeviceId("gpu-1")];
  const fail = () => host.input({ kind: "start-failed", deviceIds, why: "device busy" });
  fail();
  fail();
  host.input({ kind: "started", deviceIds });
  fail();
  fail();
  expect(host.health()).toBe("healthy");
  fail();
  expect(host.state()).toMatchObject({
    health: "suspect",
    reason: "3 jobs in a row could not start on it, the last one: device busy",
  });
  expect(host.health("gpu-2")).toBe("healthy");
});

test("a device that falls ill three times within a day is quarantined for a day, reboots or not", () => {
  const host = new Host();
  host.xid(79);
  host.reboot();
  host.xid(79);
  host.beat(GOOD_BEATS);
  expect(host.health()).toBe("unhealthy");
  host.book = inBoot(host.book, "boot-3", host.now);
  host.xid(79);
  const { reason, wayBack } = host.state() ?? {};
  expect(host.health()).toBe("quarantined");
  expect(reason).toBe("unhealthy 3 times within 24 hours, the last time by XID 79: the GPU has fallen off the bus");
  expect(wayBack).toMatch(/^returns at 2023-.*, or when an operator releases it$/);
  host.book = inBoot(host.book, "boot-4", host.now);
  host.beat();
  expect(host.health()).toBe("quarantined");
  host.now += DAY_MS;
  host.beat();
  expect(host.state()).toMatchObject({ health: "healthy", reason: "", wayBack: "" });
});

test("a driver that is restarted again and again quarantines nothing: it speaks of no device", () => {
  const host = new Host();
  for (let times = 0; times < 5; times++) {
    host.silent = "gone";
    host.beat(3);
    host.silent = undefined;
    host.beat(GOOD_BEATS);
  }
  expect(host.health()).toBe("healthy");
});
