/** The query parameters of the lists and of the logs. They arrive as text; bad values are refused, never ignored. */
import { z } from "zod";
import { tenantIdField } from "./job.ts";
import { displayName } from "./text.ts";

const JOB_STATES = ["pending", "running", "completed", "failed", "preempted", "cancelled"] as const;

/** Decimal digits only: `1e3`, ` 5` and `0x10` are refused. */
function wholeNumberText(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string({ error: "must be given once" })
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error });
}

const flagText = z
  .enum(["true", "false", "1", "0", ""], { error: "must be true or false" })
  .transform((text) => text !== "false" && text !== "0");

/** Requests that take no parameters. */
export const noQuerySchema = z.strictObject({});

/** `?state=pending,running` */
const states = z
  .string({ error: "must be given once" })
  .max(200, { error: "must be at most 200 characters" })
  .transform((text, context) => {
    const names = text.split(",").map((name) => JOB_STATES.find((state) => state === name));
    if (names.every((name) => name !== undefined)) return names;
    const message = `must be one or more of ${JOB_STATES.join(", ")}, separated by commas`;
    context.issues.push({ code: "custom", message, input: text });
    return z.NEVER;
  });

const LABEL_PAIR = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?=[A-Za-z0-9._/:@+-]{0,255}$/;

const DEFAULT_LIST_LIMIT = 50;
const MAX_LIST_LIMIT = 1_000;

/** `GET /jobs` */
export const listJobsQuerySchema = z.strictObject({
  tenant_id: tenantIdField.optional(),
  state: states.optional(),
  name: displayName().optional(),
  node: displayName().optional(),
  /** `key=value`; may be repeated, all must match. */
  label: z
    .union([z.string(), z.array(z.string()).max(16)], { error: "must be key=value" })
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .refine((pairs) => pairs.every((pair) => LABEL_PAIR.test(pair)), { error: "must be key=value" })
    .optional(),
  limit: wholeNumberText(1, MAX_LIST_LIMIT).default(DEFAULT_LIST_LIMIT),
  offset: wholeNumberText(0, 1_000_000_000).default(0),
});
export type ListJobsQuery = z.output<typeof listJobsQuerySchema>;

const LOG_STREAMS = ["stdout", "stderr"] as const;

/** `GET /jobs/{id}/logs` */
export const logsQuerySchema = z.strictObject({
  follow: flagText.default(false),
  tail: wholeNumberText(0, 1_000_000).optional(),
  rank: wholeNumberText(0, 4_095).default(0),
  stream: z.enum(LOG_STREAMS, { error: "must be stdout or stderr" }).optional(),
});
export type LogsQuery = z.output<typeof logsQuerySchema>;
