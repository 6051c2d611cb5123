import { expect, test } from "vitest";
import { silentLogger } from "../base/logger.ts";
import { FakeDeviceSource } from "../test/support/fake-device-source.ts";
import { FakeExecutor } from "../test/support/fake-executor.ts";
import { Vitals } from "./vitals.ts";

function node() {
  const now = { ms: 0 };
  const devices = new FakeDeviceSource(2);
  const executor = new FakeExecutor(() => {});
  const clock = { wallMs: () => now.ms, monotonicMs: () => now.ms };
  return { now, devices, executor, vitals: new Vitals({ devices, executor, clock, log: silentLogger }) };
}

test("before anything is known the node is not ready", () => {
  const { vitals } = node();
  expect(vitals.health).toEqual({ ready: false, message: "the executor has not answered yet" });
  expect(vitals.devices).toEqual([]);
});

test("devices are listed anew every half a minute, and at once when others are read than are listed", async () => {
  const { vitals, devices, now } = node();
  await vitals.refresh();
  const all = devices.devices;
  const { readNow } = devices;
  const readings = await readNow();
  devices.readNow = async () => readings;
  devices.devices = all.slice(0, 1);
  await vitals.refresh();
  expect(vitals.devices).toHaveLength(2);
  now.ms = 30_000;
  await vitals.refresh();
  expect(vitals.devices).toHaveLength(1);
  devices.devices = all;
  devices.lost = [{ id: all[1]?.id, pciBusId: "", why: "it is lost" }];
  await vitals.refresh();
  expect(vitals.listed.lost).toHaveLength(1);
  let lists = 0;
  const { listNow } = devices;
  devices.listNow = () => {
    lists += 1;
    return listNow();
  };
  devices.readNow = async () => readings.slice(0, 1);
  await vitals.refresh();
  expect(lists).toBe(0);
  devices.readNow = readNow;
  await vitals.refresh();
  expect(lists).toBe(1);
});

test("devices that cannot be listed stay known, and the node is not ready until they can", async () => {
  const { vitals, devices, now } = node();
  await vitals.refresh();
  const { listNow } = devices;
  devices.listNow = async () => {
    throw new Error("driver mismatch");
  };
  now.ms = 30_000;
  await vitals.refresh();
  expect(vitals.devices).toHaveLength(2);
  expect(vitals.health).toEqual({ ready: false, message: "the devices cannot be listed: driver mismatch" });
  devices.listNow = listNow;
  await vitals.refresh();
  expect(vitals.health.ready).toBe(true);
});

test("a probe that hangs is not begun again, and does not keep the others from going on", async () => {
  const { vitals, devices, executor } = node();
  await vitals.refresh();
  let reads = 0;
  devices.readNow = () => {
    reads += 1;
    return new Promise(() => {});
  };
  void vitals.refresh();
  void vitals.refresh();
  executor.healthNow = async () => ({ ready: false, message: "paused" });
  const messageAfterRefresh = (): string => {
    void vitals.refresh();
    return vitals.health.message;
  };
  await expect.poll(messageAfterRefresh, { timeout: 5_000, interval: 1 }).toBe("paused");
  expect(reads).toBe(1);
  expect(vitals.readings).toHaveLength(2);
});

test("a reading that is too old is not told", async () => {
  const { vitals, now } = node();
  await vitals.refresh();
  now.ms = 30_000;
  expect(vitals.readings).toHaveLength(2);
  now.ms = 30_001;
  expect(vitals.readings).toEqual([]);
});
