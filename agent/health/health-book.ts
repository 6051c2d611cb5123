/** The health of a host's devices: a state machine without I/O or clock. What it is told goes in, and a new book comes out. */
import type { DeviceId } from "../../base/ids.ts";
import { DAY_MS } from "../../base/time.ts";
import type { Device, DeviceEvent, DeviceList, DeviceReading } from "../devices/device-source.ts";
import {
  eccComplaint,
  heatComplaint,
  lostComplaint,
  MAX_FAILED_STARTS,
  silentComplaint,
  startsComplaint,
  vanishedComplaint,
  xidComplaint,
} from "./complaints.ts";
import { type Complaint, complain, type DeviceRecord, GOOD_BEATS, newRecord, settle } from "./device-record.ts";

/** One that has not been listed for so many days is not expected any more. */
const FORGOTTEN_AFTER_DAYS = 7;
/** More devices than any host has: what is listed beyond that is not remembered. */
const MAX_DEVICES = 1_024;

/** What of a reading speaks of a device's health. */
export type HealthReading = Pick<DeviceReading, "id" | "isThrottling" | "eccUncorrected" | "energyJ">;

/** All that is known of the health of the devices of a host. */
export interface HealthBook {
  /** The boot that the complaints are of. */
  readonly bootId: string;
  readonly devices: ReadonlyMap<DeviceId, DeviceRecord>;
  /** Heartbeats in a row at which the driver did not answer. */
  readonly silentBeats: number;
}

/** What can happen to devices. Times are of the wall clock: they are told to people, and outlive the agent. */
export type HealthInput =
  /** The driver has listed its devices. */
  | ({ readonly kind: "listed"; readonly atMs: number } & Pick<DeviceList, "devices" | "lost">)
  /** A heartbeat, with what was read for it; undefined when nothing could be, and why. */
  | {
      readonly kind: "beat";
      readonly atMs: number;
      readonly readings: readonly HealthReading[] | undefined;
      readonly failure: string;
    }
  /** The driver told of a fault. */
  | ({ readonly kind: "xid" } & Pick<DeviceEvent, "atMs" | "deviceId" | "pciBusId" | "xid">)
  /** A job could not start on these, through no fault of its own; or did. */
  | {
      readonly kind: "start-failed";
      readonly atMs: number;
      readonly deviceIds: readonly DeviceId[];
      readonly why: string;
    }
  | { readonly kind: "started"; readonly atMs: number; readonly deviceIds: readonly DeviceId[] };

export function emptyBook(bootId: string): HealthBook {
  return { bootId, devices: new Map(), silentBeats: 0 };
}

/** The book in another boot of the host: what a reboot cures is gone. Who is not there any more is found out by the next list. */
export function inBoot(book: HealthBook, bootId: string, atMs: number): HealthBook {
  if (book.bootId === bootId) return book;
  const cured = [...book.devices].map(([id, record]) => {
    const absent = record.complaints.filter(({ key }) => key === "vanished");
    return [
      id,
      settle({ ...record, complaints: absent, eccUncorrected: undefined, energyJ: undefined }, atMs),
    ] as const;
  });
  return { bootId, devices: new Map(cured), silentBeats: 0 };
}

/** What the book is after that. */
export function step(book: HealthBook, input: HealthInput): HealthBook {
  const { atMs } = input;
  switch (input.kind) {
    case "listed":
      return onListed(book, input, atMs);
    case "beat":
      return onBeat(book, input);
    case "xid": {
      const complaint = xidComplaint(input.xid);
      return complaint ? change(book, atMs, isOf(input), (record) => complain(record, complaint, atMs)) : book;
    }
    case "start-failed":
      return change(book, atMs, isOneOf(input.deviceIds), (record) => {
        const failedStarts = record.failedStarts + 1;
        const counted = { ...record, failedStarts };
        return failedStarts < MAX_FAILED_STARTS
          ? counted
          : complain(counted, startsComplaint(failedStarts, input.why), atMs);
      });
    case "started":
      return change(book, atMs, isOneOf(input.deviceIds), (record) => ({ ...record, failedStarts: 0 }));
  }
}

/** Of a GPU in slices all of them are meant. */
function isOf({ deviceId, pciBusId }: Pick<DeviceEvent, "deviceId" | "pciBusId">): (record: DeviceRecord) => boolean {
  if (deviceId === undefined) return ({ device }) => pciBusId !== "" && device.pciBusId === pciBusId;
  return ({ device }) => device.id === deviceId || device.parentId === deviceId;
}

function isOneOf(ids: readonly DeviceId[]): (record: DeviceRecord) => boolean {
  return ({ device }) => ids.includes(device.id);
}

function change(
  book: HealthBook,
  atMs: number,
  isMeant: (record: DeviceRecord) => boolean,
  to: (record: DeviceRecord) => DeviceRecord,
): HealthBook {
  const devices = [...book.devices].map(([id, record]) => {
    return [id, isMeant(record) ? settle(to(record), atMs) : record] as const;
  });
  return { ...book, devices: new Map(devices) };
}

function onListed(book: HealthBook, list: Pick<DeviceList, "devices" | "lost">, atMs: number): HealthBook {
  const ids = new Set(list.devices.map(({ id }) => id));
  const devices = [...known(book, list.devices, atMs)].map(([id, record]) => {
    const lost = list.lost.find((one) =>
      one.id === undefined ? isOf({ deviceId: one.id, ...one })(record) : one.id === id,
    );
    const complaint = lost
      ? lostComplaint(lost.why)
      : ids.has(id)
        ? undefined
        : vanishedComplaint(FORGOTTEN_AFTER_DAYS);
    return [id, complaint ? settle(complain(record, complaint, atMs), atMs) : record] as const;
  });
  return { ...book, devices: new Map(devices) };
}

function onBeat(book: HealthBook, { atMs, readings, failure }: HealthInput & { readonly kind: "beat" }): HealthBook {
  const silentBeats = readings ? 0 : book.silentBeats + 1;
  const readingOf = new Map(readings?.map((reading) => [reading.id, reading]));
  const devices = [...book.devices].map(([id, record]) => {
    const looked = readings
      ? look(record, readingOf.get(id), atMs)
      : complain(record, silentComplaint(silentBeats, failure), atMs);
    return [id, settle(looked, atMs)] as const;
  });
  return { ...book, devices: new Map(devices), silentBeats };
}

function isVanished({ complaints }: DeviceRecord): boolean {
  return complaints.some(({ key }) => key === "vanished");
}

/** Those that are listed, and those that should be. What stands in the place of another is what that has become (MIG). */
function known(book: HealthBook, listed: readonly Device[], atMs: number): Map<DeviceId, DeviceRecord> {
  const devices = new Map<DeviceId, DeviceRecord>();
  for (const device of listed.slice(0, MAX_DEVICES)) {
    const record = book.devices.get(device.id);
    devices.set(device.id, record ? { ...record, device } : newRecord(device, atMs));
  }
  const places = new Set(listed.map(({ pciBusId }) => pciBusId).filter((place) => place !== ""));
  for (const [id, record] of book.devices) {
    const isReplaced = places.has(record.device.pciBusId);
    if (devices.has(id) || isReplaced || isForgotten(record, atMs) || devices.size >= MAX_DEVICES) continue;
    devices.set(id, record);
  }
  return devices;
}

function isForgotten({ complaints }: DeviceRecord, atMs: number): boolean {
  const since = complaints.find(({ key }) => key === "vanished")?.sinceMs;
  return since !== undefined && atMs - since >= FORGOTTEN_AFTER_DAYS * DAY_MS;
}

/** What a beat at which the driver answered says of one device. */
function look(record: DeviceRecord, reading: HealthReading | undefined, atMs: number): DeviceRecord {
  if (!reading) return unread(record, atMs);
  const { eccUncorrected, energyJ } = reading;
  const wasReset = isReset(record, reading);
  const before = wasReset ? 0 : record.eccUncorrected;
  const isGrown = eccUncorrected !== undefined && before !== undefined && eccUncorrected > before;
  let next = afterGoodBeat(record, wasReset || isAwaited(record));
  if (isGrown) next = complain(next, eccComplaint(eccUncorrected - before), atMs);
  if (reading.isThrottling) next = complain(next, heatComplaint, atMs);
  return { ...next, eccUncorrected, energyJ, unreadBeats: undefined };
}

/** The driver has read others, and not this one. */
function unread(record: DeviceRecord, atMs: number): DeviceRecord {
  if (isVanished(record)) return complain(record, vanishedComplaint(FORGOTTEN_AFTER_DAYS), atMs);
  const { unreadBeats } = record;
  // It may have been listed while the others were being read.
  if (unreadBeats === 0) return { ...record, unreadBeats: 1 };
  return complain(record, lostComplaint(""), atMs);
}

/** Whether the driver counts anew, which it does only after a reset of the device, or when it has itself been started again. */
function isReset(before: DeviceRecord, now: HealthReading): boolean {
  const hasFallen = (was: number | undefined, is: number | undefined) =>
    was !== undefined && is !== undefined && is < was;
  return hasFallen(before.eccUncorrected, now.eccUncorrected) || hasFallen(before.energyJ, now.energyJ);
}

/** Whether it was away until now: it was started anew before it could come back. */
function isAwaited({ complaints }: DeviceRecord): boolean {
  return complaints.some(({ key, goodBeats }) => (key === "vanished" || key === "lost") && goodBeats === 0);
}

function afterGoodBeat(record: DeviceRecord, wasReset: boolean): DeviceRecord {
  const complaints = record.complaints
    .map((one) => goodBeat(one, wasReset))
    .filter(({ goodBeats }) => goodBeats < GOOD_BEATS);
  return { ...record, complaints };
}

function goodBeat(complaint: Complaint, isAnew: boolean): Complaint {
  const wasReset = complaint.wasReset || isAnew;
  const counts = complaint.cure !== "reset" || wasReset;
  return { ...complaint, wasReset, goodBeats: complaint.goodBeats + (counts ? 1 : 0) };
}
