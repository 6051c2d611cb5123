/** The query parameters of the lists and of the logs. They arrive as text; bad values are refused, never ignored. */
import { z } from "zod";
import { JOB_ID, tenantIdField } from "./job.ts";
import { displayName } from "./text.ts";

const JOB_STATES = ["pending", "running", "completed", "failed", "preempted", "cancelled"] as const;

/** The error of a parameter that takes one of a few words. */
function wordError(error: string) {
  return ({ input }: { readonly input?: unknown }) => (Array.isArray(input) ? "must be given once" : error);
}

const givenOnce = z.string({ error: "must be given once" });

/** Decimal digits only: `1e3`, ` 5` and `0x10` are refused. */
function wholeNumberText(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return givenOnce
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error });
}

const flagText = z
  .enum(["true", "false", "1", "0", ""], { error: wordError("must be true or false") })
  .transform((text) => text !== "false" && text !== "0");

/** `POST /jobs` */
export const submitQuerySchema = z.strictObject({ dry_run: flagText.default(false) });

/** Requests that take no parameters. */
export const noQuerySchema = z.strictObject({});

/** `?state=pending,running` */
const states = givenOnce.max(200, { error: "must be at most 200 characters" }).transform((text, context) => {
  const names = text.split(",").map((name) => JOB_STATES.find((state) => state === name));
  if (names.every((name) => name !== undefined)) return names;
  const message = `must be one or more of ${JOB_STATES.join(", ")}, separated by commas`;
  context.issues.push({ code: "custom", message, input: text });
  return z.NEVER;
});

const LABEL_PAIR = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?=[A-Za-z0-9._/:@+-]{0,255}$/;

export const MAX_LABELS = 16;

/** Whether it is a `key=value` that a label can be. */
export function isLabelPair(pair: string): boolean {
  return LABEL_PAIR.test(pair);
}

/** The first name that more than one of the pairs gives. */
function nameGivenTwice(pairs: readonly string[]): string | undefined {
  const names = pairs.map((pair) => pair.slice(0, pair.indexOf("=")));
  return names.find((name, index) => names.indexOf(name) < index);
}

const DEFAULT_LIST_LIMIT = 50;
const MAX_LIST_LIMIT = 1_000;

/** `GET /jobs` */
export const listJobsQuerySchema = z.strictObject({
  tenant_id: givenOnce.pipe(tenantIdField).optional(),
  state: states.optional(),
  name: givenOnce.pipe(displayName()).optional(),
  node: givenOnce.pipe(displayName()).optional(),
  /** The jobs of this array. */
  array: givenOnce.pipe(z.string().regex(JOB_ID, { error: "must be an array's id such as job-17" })).optional(),
  /** `key=value`; may be repeated with other keys, all must match. */
  label: z
    .union([z.string(), z.array(z.string())], { error: "must be key=value" })
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .check((context) => {
      const pairs = context.value;
      const refuse = (message: string) => context.issues.push({ code: "custom", message, input: pairs });
      if (pairs.length > MAX_LABELS) return void refuse(`must be given at most ${MAX_LABELS} times`);
      if (!pairs.every(isLabelPair)) return void refuse("must be key=value");
      const twice = nameGivenTwice(pairs);
      if (twice !== undefined) refuse(`gives ${twice} twice`);
    })
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
  stream: z.enum(LOG_STREAMS, { error: wordError("must be stdout or stderr") }).optional(),
});
export type LogsQuery = z.output<typeof logsQuerySchema>;
