/** The complaints that there are, each with the way back from it. */
import { GOOD_BEATS, type NewComplaint } from "./device-record.ts";
import { describeXid, xidOf } from "./xid.ts";

const AFTER_BEATS = `returns by itself after ${GOOD_BEATS} good heartbeats`;
const AFTER_RESET = `reset the GPU (nvidia-smi --gpu-reset) or reboot the host; it returns ${GOOD_BEATS} good heartbeats after that`;
const AFTER_REBOOT = `reboot the host; it returns when it answers after that for ${GOOD_BEATS} heartbeats`;
const WHEN_BACK = `returns when it answers for ${GOOD_BEATS} heartbeats; if it does not, reboot the host`;

/** The complaint that an XID is; undefined for one that says nothing about the device. */
export function xidComplaint(code: number): NewComplaint | undefined {
  const common = { key: `xid-${code}`, text: describeXid(code) };
  switch (xidOf(code).meaning) {
    case "application":
      return undefined;
    case "watch":
      return { ...common, severity: "suspect", cure: "beats", wayBack: AFTER_BEATS };
    case "reset":
      return { ...common, severity: "unhealthy", cure: "reset", wayBack: AFTER_RESET };
    case "reboot":
      return { ...common, severity: "unhealthy", cure: "reset", wayBack: AFTER_REBOOT };
  }
}

/** Uncorrected errors of its memory have come since it was read before. */
export function eccComplaint(errors: number): NewComplaint {
  const text = `${errors} uncorrected ${errors === 1 ? "error" : "errors"} of its memory (ECC)`;
  return { key: "ecc", severity: "unhealthy", cure: "reset", text, wayBack: AFTER_RESET };
}

/** It is listed, and does not answer while its driver does. */
export function lostComplaint(why: string): NewComplaint {
  const text = why === "" ? "it does not answer" : `it does not answer: ${why}`;
  return { key: "lost", severity: "unhealthy", cure: "answer", text, wayBack: WHEN_BACK };
}

/** Its driver does not list it any more. */
export function vanishedComplaint(days: number): NewComplaint {
  const wayBack = `returns ${GOOD_BEATS} heartbeats after its driver lists it again; forgotten after ${days} days`;
  return {
    key: "vanished",
    severity: "unhealthy",
    cure: "answer",
    text: "its driver does not list it any more",
    wayBack,
  };
}

/** The driver as a whole does not answer, for so many heartbeats by now. */
export function silentComplaint(beats: number, why: string): NewComplaint {
  const severity = beats < SILENT_BEATS ? "suspect" : "unhealthy";
  const wayBack = `returns when its driver answers for ${GOOD_BEATS} heartbeats; if it does not, reboot the host`;
  return { key: "silent", severity, cure: "answer", text: `its driver does not answer: ${why}`, wayBack };
}

/** A driver that has not answered for so many heartbeats is out of order; before that it may only be busy. */
const SILENT_BEATS = 3;

/** It slows itself down for heat. */
export const heatComplaint: NewComplaint = {
  key: "heat",
  severity: "suspect",
  cure: "beats",
  text: "it slows itself down for heat",
  wayBack: `returns by itself ${GOOD_BEATS} heartbeats after it is cool enough`,
};

/** So many jobs in a row could not start on it. */
export function startsComplaint(jobs: number, why: string): NewComplaint {
  const text = `${jobs} jobs in a row could not start on it, the last one: ${why}`;
  return { key: "starts", severity: "suspect", cure: "beats", text, wayBack: AFTER_BEATS };
}

/** Jobs in a row that fail to start before that speaks against a device: one may have had a fault of its own. */
export const MAX_FAILED_STARTS = 3;
