import { expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { asDeviceId } from "../../base/ids.ts";
import { DAY_MS } from "../../base/time.ts";
import { UNTOLD_READING } from "../devices/device-source.ts";
import { FakeDeviceSource } from "../../test/support/fake-device-source.ts";
import { Random } from "../../test/support/random.ts";
import { GOOD_BEATS, MAX_RELAPSES, stateOf } from "./device-record.ts";
import { emptyBook, type HealthBook, type HealthInput, inBoot, step } from "./health-book.ts";

const RUNS = 300;
const SIGNS = 60;
const CODES = [13, 31, 45, 48, 63, 74, 79, 92, 94, 119, 140, 154, 8, 32, 7_777];

/** Something that may happen to devices, and often more than one thing at a time. */
function randomSign(random: Random, atMs: number): HealthInput {
  const { devices } = new FakeDeviceSource(4);
  const some = devices.filter(() => random.next() < 0.8);
  const deviceId = asDeviceId(`gpu-${random.between(1, 5)}`);
  const readings = some.map(({ id }) => ({
    id,
    isThrottling: random.next() < 0.1,
    eccUncorrected: random.next() < 0.8 ? random.between(0, 2) : undefined,
    energyJ: random.next() < 0.5 ? random.between(0, 1_000) : undefined,
  }));
  const signs: readonly (() => HealthInput)[] = [
    () => ({
      kind: "listed",
      atMs,
      devices: some,
      lost: random.next() < 0.2 ? [{ id: deviceId, pciBusId: "", why: "gone" }] : [],
    }),
    () => ({ kind: "beat", atMs, readings: random.next() < 0.8 ? readings : undefined, failure: "a test" }),
    () => ({ kind: "xid", atMs, deviceId, pciBusId: "", xid: random.pick(CODES) ?? 79 }),
    () => ({ kind: "start-failed", atMs, deviceIds: [deviceId], why: "a test" }),
    () => ({ kind: "started", atMs, deviceIds: [deviceId] }),
  ];
  return present(random.pick(signs), "a sign")();
}

/** The devices of which something is said without an owner, a reason or a way back. */
function untold(book: HealthBook): readonly string[] {
  return [...book.devices.values()].flatMap((record) => {
    const { health, owner, reason, wayBack } = stateOf(record);
    const isWell = health === "healthy";
    const isTold = owner !== "" && (reason === "") === isWell && (wayBack === "") === isWell;
    return isTold && record.relapses.length <= MAX_RELAPSES ? [] : [JSON.stringify(record)];
  });
}

test("whatever happens to devices, each has an owner, a reason and a way back, and all return once nothing more happens", () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Random(seed);
    const { devices } = new FakeDeviceSource(4);
    let at = 1_700_000_000_000;
    const bad: string[] = [];
    let boots = 1;
    let book = step(emptyBook("boot-1"), { kind: "listed", atMs: at, devices, lost: [] });
    for (let signs = 0; signs < SIGNS; signs++) {
      at += random.between(1, 600_000);
      if (random.next() < 0.03) book = inBoot(book, `boot-${++boots}`, at);
      book = step(book, randomSign(random, at));
      bad.push(...untold(book));
    }
    expect(bad, `seed ${seed}`).toEqual([]);
    // The exits: the host is rebooted, its devices are all there and answer, and the longest quarantine ends.
    at += DAY_MS;
    book = inBoot(book, "the last boot", at);
    book = step(book, { kind: "listed", atMs: at, devices, lost: [] });
    const readings = devices.map(({ id }) => ({ ...UNTOLD_READING, id }));
    for (let beats = 0; beats <= GOOD_BEATS; beats++)
      book = step(book, { kind: "beat", atMs: at, readings, failure: "" });
    const states = [...book.devices].map(([id, { health }]) => `${id} ${health}`);
    expect(states.sort(), `seed ${seed}`).toEqual(devices.map(({ id }) => `${id} healthy`));
  }
});
