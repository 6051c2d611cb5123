import { z } from "zod";

/** Control characters, bidirectional overrides and lone surrogates: what makes a name lie about itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u;

/** A character that is seen: no blank, no format character, none that is drawn as nothing. */
const VISIBLE = /[^\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A name for people: 1 … `maxCodePoints` code points in NFC, one of them visible, nothing that reorders or hides text. */
export function displayName(maxCodePoints = 256) {
  const message = `must be 1 to ${maxCodePoints} characters, one of them visible, without control or direction characters`;
  return z
    .string({ error: "must be a string" })
    .refine((text) => VISIBLE.test(text) && [...text].length <= maxCodePoints && !DECEPTIVE.test(text), {
      error: message,
    })
    .transform((text) => text.normalize("NFC"));
}

/** Text for a program: anything but NUL and broken Unicode, at most `maxBytes` bytes of UTF-8. */
export function programText(maxBytes: number) {
  return z
    .string({ error: "must be a string" })
    .refine((text) => !text.includes("\0"), { error: "must not contain a NUL character" })
    .refine((text) => text.isWellFormed(), { error: "must be valid Unicode" })
    .refine((text) => Buffer.byteLength(text) <= maxBytes, { error: `must be at most ${maxBytes} bytes` });
}

/** A whole number from `min` to `max`; `-0` is read as 0. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .transform((value) => value + 0);
}

/** `true` or `false`, nothing that merely looks like it. */
export const flag = () => z.boolean({ error: "must be true or false" });

/** A map from names to values; `__proto__` is never a name. */
export function stringMap(options: {
  name: RegExp;
  nameError: string;
  value: z.ZodType<string, string>;
  maxEntries: number;
}) {
  return z
    .record(z.string().regex(options.name, { error: options.nameError }), options.value, {
      error: "must be an object of strings",
    })
    .refine((map) => Object.keys(map).length <= options.maxEntries, {
      error: `must have at most ${options.maxEntries} entries`,
    });
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/**
 * A time such as `2026-08-01T08:00:00Z`, as milliseconds since the epoch. Times that are past are taken; those further ahead
 * than `maxAheadMs` are more likely wrong than meant.
 */
export function moment(maxAheadMs: number) {
  return z.string({ error: "must be a time such as 2026-08-01T08:00:00Z" }).transform((text, context) => {
    const atMs = readTimestamp(text);
    if (atMs === undefined) {
      context.issues.push({ code: "custom", message: "must be a time such as 2026-08-01T08:00:00Z", input: text });
      return z.NEVER;
    }
    if (atMs > Date.now() + maxAheadMs) {
      context.issues.push({ code: "custom", message: "must not be more than ten years ahead", input: text });
    }
    return atMs;
  });
}

/** Undefined for what is not RFC 3339, and for days that no month has. A leap second counts as the second after it. */
function readTimestamp(text: string): number | undefined {
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [, year, month, day, , second] = match;
  const isLeap = second === "60";
  const atMs = Date.parse(isLeap ? text.replace(":60", ":59") : text);
  // Date.parse lets the 31st of April be the 1st of May.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number.isNaN(atMs) || atMs < 0 || Number(day) > lastDay) return undefined;
  return isLeap ? atMs + 1_000 : atMs;
}

/** A number, whole or not, from `min` to `max`. */
export function amount(min: number, max: number) {
  const error = `must be a number from ${min} to ${max}`;
  return z
    .number({ error })
    .min(min, { error })
    .max(max, { error })
    .transform((value) => value + 0);
}
