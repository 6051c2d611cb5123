import type { z } from "zod";
import { type FieldError, RequestError } from "../base/errors.ts";

const MAX_PROBLEMS = 20;
const MAX_ECHO = 64;

/**
 * The value as the schema's type, or a {@link RequestError} `invalid` whose sentence names the first bad field and whose
 * `fields` name up to 20.
 *
 * @param what starts the sentence: `Invalid request body`
 * @param notYet names of fields that exist in the contract but not yet in this version
 * @param noun what a field is called where it is not known
 */
export function parseOrRefuse<T>(
  schema: z.ZodType<T>,
  value: unknown,
  what: string,
  notYet: readonly string[] = [],
  noun: "field" | "parameter" = "field",
): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const found = result.error.issues.flatMap((issue) => toFieldErrors(issue, notYet, noun));
  const fields = [...new Map(found.map((fault) => [`${fault.field} ${fault.message}`, fault])).values()].slice(
    0,
    MAX_PROBLEMS,
  );
  const first = fields[0] ?? { field: "", message: "is invalid" };
  throw new RequestError("invalid", `${what}: ${first.field ? `${first.field} ` : ""}${first.message}`, { fields });
}

function toFieldErrors(issue: z.core.$ZodIssue, notYet: readonly string[], noun: string): FieldError[] {
  const path = fieldPath(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: fieldPath([...issue.path, key]),
      message: notYet.includes(key) ? "is not supported yet by this version" : `is not a known ${noun}`,
    }));
  }
  if (issue.code === "invalid_type" && issue.path.length === 0) return [{ field: path, message: "must be an object" }];
  if (issue.code === "invalid_type" && issue.input === undefined) return [{ field: path, message: "is required" }];
  if (issue.code === "invalid_key") return [{ field: path, message: issue.issues[0]?.message ?? issue.message }];
  return [{ field: path, message: lowerFirst(issue.message) }];
}

function lowerFirst(message: string): string {
  return message.startsWith("Invalid input") ? message.replace(/^Invalid input:? ?/, "is invalid: ") : message;
}

/** `environment.PATH`, `command[2]`; each name cut to what may be echoed. */
function fieldPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text ? "." : ""}${fieldName(String(part))}`;
  }
  return text;
}

/** A field's name as it may be echoed; one that is empty is shown as that. */
export function fieldName(name: string): string {
  return name === "" ? '""' : printable(name);
}

/** At most 64 characters, those that are not ASCII or cannot be seen as their escapes: safe to echo. */
export function printable(text: string): string {
  const parts = Array.from(text.slice(0, MAX_ECHO + 1), escaped);
  if (parts.join("").length <= MAX_ECHO) return parts.join("");
  while (parts.join("").length >= MAX_ECHO) parts.pop();
  return `${parts.join("")}…`;
}

function escaped(character: string): string {
  if (/^[\x20-\x7e]$/.test(character)) return character;
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}
