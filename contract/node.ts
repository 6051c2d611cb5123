/** What an operator may say of a node. */
import { z } from "zod";
import { displayName, wholeNumber } from "./text.ts";

/** How a node's name looks: like a host's. Whether there is such a node is another question. */
export const NODE_NAME = /^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,251}[a-zA-Z0-9])?$/;

const MAX_DRAIN_SECONDS = 30 * 86_400;
const DEFAULT_DRAIN_SECONDS = 3_600;

/** The body of `POST /nodes/{name}/confirm-dead`: both are for those who read the history of its jobs. */
export const confirmDeadSchema = z.strictObject({ by: displayName(128), reason: displayName(512) });

/** The body of `POST /nodes/{name}/cordon`, and of `/devices/{id}/quarantine` and `/release` below it: both are for whoever asks why, and may be left out. */
export const cordonSchema = z.strictObject({ by: displayName(128).optional(), reason: displayName(512).optional() });

/** The body of `POST /nodes/{name}/drain`. */
export const drainSchema = cordonSchema.extend({
  deadline_seconds: wholeNumber(0, MAX_DRAIN_SECONDS).default(DEFAULT_DRAIN_SECONDS),
});

/** The body of `POST /nodes/{name}/uncordon`. */
export const uncordonSchema = z.strictObject({});
