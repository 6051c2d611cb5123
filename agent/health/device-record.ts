/** What an agent remembers of a device's health, and how what it remembers adds up to a state. */
import { DAY_MS, formatTimestamp, HOUR_MS } from "../../base/time.ts";
import type { Device } from "../devices/device-source.ts";

/**
 * How a device is.
 *
 * ```text
 * healthy ◄──► suspect        a sign of something; gone after some good beats
 *    ▲  ▲──► unhealthy        out of order; gone when it answers again, or after a reset or a reboot
 *    └──────► quarantined     unhealthy again and again; gone after a day, or on an operator's word
 * ```
 */
export type Health = "healthy" | "suspect" | "unhealthy" | "quarantined";

/**
 * What ends a complaint. `beats`: so many good beats. `answer`: as many after it answers again. `reset`: as many after a reset, which is
 * seen by what the driver counts anew or by an absence that is over; a reboot of the host ends each of them.
 */
export type Cure = "beats" | "answer" | "reset";

/** Something that speaks against a device, until it is cured. */
export interface Complaint {
  /** One of a kind for each device: `xid-79`, `vanished`. */
  readonly key: string;
  readonly severity: "suspect" | "unhealthy";
  readonly cure: Cure;
  /** A sentence's end: `XID 79: the GPU has fallen off the bus`. */
  readonly text: string;
  readonly wayBack: string;
  /** Wall clock. */
  readonly sinceMs: number;
  /** Since it was seen last, or since its reset. */
  readonly goodBeats: number;
  /** A reset was seen since. */
  readonly wasReset: boolean;
}

/** Kept from jobs because it fell ill again and again. */
export interface Quarantine {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly text: string;
}

/** What is remembered of a device. */
export interface DeviceRecord {
  /** As it was described last: one that has vanished is still told of. */
  readonly device: Device;
  readonly health: Health;
  /** Since when it is so; wall clock. */
  readonly sinceMs: number;
  readonly complaints: readonly Complaint[];
  /** When it became unhealthy of itself, of late. */
  readonly relapses: readonly number[];
  readonly quarantine?: Quarantine;
  /** Jobs in a row that could not start on it. */
  readonly failedStarts: number;
  /** As the driver counted last; undefined where it does not, or has not yet. */
  readonly eccUncorrected?: number | undefined;
  readonly energyJ?: number | undefined;
  /** Beats since it was listed first; undefined once it has been read. */
  readonly unreadBeats?: number | undefined;
}

/** Who says how a device is, why, since when, and what changes it. */
export interface HealthState {
  readonly health: Health;
  readonly owner: string;
  /** Empty for one that is healthy, as is the way back. */
  readonly reason: string;
  readonly wayBack: string;
  readonly sinceMs: number;
}

/** So many beats in a row without a sign end what ends by itself: half a minute with the usual heartbeat. */
export const GOOD_BEATS = 6;
/** So often within {@link RELAPSE_WINDOW_MS} a device may become unhealthy before it is quarantined. */
export const MAX_RELAPSES = 3;
export const RELAPSE_WINDOW_MS = DAY_MS;
export const QUARANTINE_MS = DAY_MS;
/** A device has no more kinds of complaints at a time: XIDs beyond that say nothing new. */
const MAX_COMPLAINTS = 16;
const MAX_TEXT_CHARACTERS = 500;
/** More of what speaks against a device is counted, not told. */
const MAX_TOLD = 3;

/** A device that is seen for the first time. */
export function newRecord(device: Device, atMs: number): DeviceRecord {
  return { device, health: "healthy", sinceMs: atMs, complaints: [], relapses: [], failedStarts: 0, unreadBeats: 0 };
}

export type NewComplaint = Pick<Complaint, "key" | "severity" | "cure" | "text" | "wayBack">;

/** The record with that complaint, or with its good beats counted anew if it has it. It never becomes milder by that. */
export function complain(record: DeviceRecord, complaint: NewComplaint, atMs: number): DeviceRecord {
  const { key, severity } = complaint;
  const text = complaint.text.slice(0, MAX_TEXT_CHARACTERS);
  const known = record.complaints.find((one) => one.key === key);
  const others = record.complaints.filter((one) => one !== known);
  const isWorse = known?.severity === "suspect" && severity === "unhealthy";
  const kept = known && !isWorse ? known : { ...complaint, text, sinceMs: atMs };
  const all = [...others, { ...kept, goodBeats: 0, wasReset: false }];
  return {
    ...record,
    complaints: all.length > MAX_COMPLAINTS ? all.toSorted(bySeverity).slice(0, MAX_COMPLAINTS) : all,
  };
}

/** The record with its health worked out from its complaints, and a quarantine begun or ended where one is due. */
export function settle(record: DeviceRecord, atMs: number): DeviceRecord {
  const served = withoutServed(record, atMs);
  const health = worst(served);
  if (health !== "unhealthy" || record.health === "unhealthy" || !isItsOwn(served))
    return withHealth(served, health, atMs);
  const relapses = [...record.relapses.filter((at) => at > atMs - RELAPSE_WINDOW_MS), atMs].slice(-MAX_RELAPSES);
  if (relapses.length < MAX_RELAPSES) return withHealth({ ...served, relapses }, health, atMs);
  const text = `unhealthy ${MAX_RELAPSES} times within ${RELAPSE_WINDOW_MS / HOUR_MS} hours, the last time by ${served.complaints.toSorted(bySeverity)[0]?.text ?? "itself"}`;
  const quarantine = { sinceMs: atMs, untilMs: atMs + QUARANTINE_MS, text };
  return withHealth({ ...served, relapses: [], quarantine }, "quarantined", atMs);
}

/** The record without a quarantine that is over. */
function withoutServed(record: DeviceRecord, atMs: number): DeviceRecord {
  const { quarantine, ...free } = record;
  if (!quarantine) return record;
  // A clock that was set back must not make it last longer than it should.
  const isOver = atMs >= quarantine.untilMs || quarantine.untilMs - atMs > 2 * QUARANTINE_MS;
  return isOver ? free : record;
}

function worst({ quarantine, complaints }: Pick<DeviceRecord, "quarantine" | "complaints">): Health {
  if (quarantine) return "quarantined";
  if (complaints.some(({ severity }) => severity === "unhealthy")) return "unhealthy";
  return complaints.length > 0 ? "suspect" : "healthy";
}

/** Whether what makes it unhealthy is its own: a driver that does not answer speaks of all of them. */
function isItsOwn({ complaints }: DeviceRecord): boolean {
  return complaints.some(({ severity, key }) => severity === "unhealthy" && key !== "silent");
}

function withHealth(record: DeviceRecord, health: Health, atMs: number): DeviceRecord {
  return health === record.health ? record : { ...record, health, sinceMs: atMs };
}

/** What is told of the record. */
export function stateOf(record: DeviceRecord): HealthState {
  const { health, sinceMs, complaints, quarantine } = record;
  const owner = "agent";
  if (quarantine) {
    const wayBack = `returns at ${formatTimestamp(quarantine.untilMs)} if nothing else is the matter then, or when an operator releases it`;
    return { health, owner, reason: quarantine.text, wayBack, sinceMs };
  }
  const [first, ...others] = complaints.toSorted(bySeverity);
  if (!first) return { health, owner, reason: "", wayBack: "", sinceMs };
  const told = [first, ...others.slice(0, MAX_TOLD - 1)].map(({ text }) => text);
  const more = others.length >= MAX_TOLD ? [`and ${others.length - MAX_TOLD + 1} more`] : [];
  return { health, owner, reason: [...told, ...more].join("; "), wayBack: first.wayBack, sinceMs };
}

/** The worst first, then what was there first. */
function bySeverity(a: Complaint, b: Complaint): number {
  if (a.severity !== b.severity) return a.severity === "unhealthy" ? -1 : 1;
  return a.sinceMs - b.sinceMs;
}
