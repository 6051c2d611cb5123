import { FINDING_KINDS, type FindingKind } from "./finding.ts";

/**
 * What is done about a finding. `ignore`: it is only shown; `warn`: and logged; `avoid`: and the device is kept from new jobs while it
 * lasts; `reap`: and what is left is ended; `restart`: and the job is put back into the queue.
 */
export type Answer = "ignore" | "warn" | "avoid" | "reap" | "restart";
export type Answers = Readonly<Record<FindingKind, Answer>>;

/** Nothing foreign is ever ended, and no job for what another does. */
const POSSIBLE: Readonly<Record<FindingKind, readonly Answer[]>> = {
  orphan: ["reap", "avoid", "warn", "ignore"],
  "wrong-job": ["avoid", "warn", "ignore"],
  foreign: ["avoid", "warn", "ignore"],
  "lost-inside": ["restart", "avoid", "warn", "ignore"],
  idle: ["warn", "ignore"],
};

export const DEFAULT_ANSWERS: Answers = {
  foreign: "avoid",
  orphan: "reap",
  "lost-inside": "restart",
  "wrong-job": "warn",
  idle: "warn",
};

/** `foreign=warn,orphan=avoid`: what is not named is as by default. Undefined for what is no such list. */
export function parseAnswers(text: string): Answers | undefined {
  const answers: Record<FindingKind, Answer> = { ...DEFAULT_ANSWERS };
  for (const pair of text.split(",").filter((part) => part.trim() !== "")) {
    const [name, value, ...more] = pair.trim().split("=");
    const kind = FINDING_KINDS.find((one) => one === name);
    const answer = kind && POSSIBLE[kind].find((one) => one === value);
    if (!kind || !answer || more.length > 0) return undefined;
    answers[kind] = answer;
  }
  return answers;
}

/** Whether a device is kept from new jobs while such a finding lasts. */
export function keepsFromJobs(answer: Answer): boolean {
  return answer === "avoid" || answer === "reap";
}
