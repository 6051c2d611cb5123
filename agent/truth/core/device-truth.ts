import { type Answers, keepsFromJobs } from "./answers.ts";
import { type Finding, FINDING_KINDS, type FindingKind, jobText, type Use } from "./finding.ts";
import { grantedOf, type View } from "./find-on-devices.ts";
import type { SeenDevice } from "./sighting.ts";

/** Of more findings of one kind only the number is told. */
const MAX_TOLD = 3;

/** What is on a device, and what that means for jobs. */
export interface DeviceTruth {
  readonly id: string;
  readonly use: Use;
  /** Empty for one that is free. */
  readonly reason: string;
  /** Why no new job is given it; empty when it may be given out. */
  readonly withheld: string;
}

const INTRODUCTIONS: Readonly<Record<FindingKind, string>> = {
  orphan: "left on it",
  "wrong-job": "on it without having been granted it",
  foreign: "on it and of no job",
  "lost-inside": "granted to",
  idle: "granted to",
};

/** @param confirmed all findings */
export function truthOf(view: View, device: SeenDevice, confirmed: readonly Finding[], answers: Answers): DeviceTruth {
  const found = confirmed.filter(({ deviceIds }) => deviceIds.includes(device.id));
  const kinds = FINDING_KINDS.filter((kind) => found.some((finding) => finding.kind === kind));
  const granted = grantedOf(view, device.id);
  const told = (some: readonly FindingKind[]) => some.map((kind) => sentence(kind, found)).join("; ");
  const inUse =
    granted.length === 0 || kinds.some(isOfItsJob) ? [] : [`granted to ${list(granted.map((it) => jobText(it.key)))}`];
  return {
    id: device.id,
    use: kinds[0] ?? (granted.length > 0 ? "in-use" : "free"),
    reason: [told(kinds), ...inUse].filter(Boolean).join("; "),
    withheld: told(kinds.filter((kind) => keepsFromJobs(answers[kind]))),
  };
}

/** These name the job that has the device. */
function isOfItsJob(kind: FindingKind): boolean {
  return kind === "lost-inside" || kind === "idle";
}

function sentence(kind: FindingKind, found: readonly Finding[]): string {
  const texts = found.filter((finding) => finding.kind === kind).map(({ text }) => text);
  return `${INTRODUCTIONS[kind]}: ${list(texts)}`.replace("granted to:", "granted to");
}

function list(texts: readonly string[]): string {
  const told = texts.slice(0, MAX_TOLD).join(", ");
  return texts.length > MAX_TOLD ? `${told} and ${texts.length - MAX_TOLD} more` : told;
}
