import type { Space } from "../facts/engine.ts";
import { error, type Finding, ok, unknown, warning } from "../finding.ts";

const LITTLE_MB = 20 * 1024;
const LITTLE_PART = 0.1;
const NONE_MB = 1024;

/** Room for something. The message has no figure that changes by the minute: a node's report would be told anew each time. */
export function checkSpace(check: string, what: string, space: Space | undefined, cure: string): readonly Finding[] {
  if (!space) return [unknown(check, `the room for ${what} cannot be seen by this user`)];
  const { freeMb, totalMb } = space;
  if (freeMb < NONE_MB) return [error(check, `less than 1 GB is left for ${what}`, cure)];
  if (freeMb < LITTLE_MB && freeMb < totalMb * LITTLE_PART) {
    return [warning(check, `less than a tenth of the disk, and less than 20 GB, is left for ${what}`, cure)];
  }
  return [ok(check, `there is room for ${what}`)];
}
