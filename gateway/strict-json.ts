/** JSON as it should be: what `JSON.parse` would let through or choke on is refused by one linear scan before it. */
import { type FieldError, RequestError } from "../base/errors.ts";
import { fieldName } from "../contract/parse.ts";

export const MAX_JSON_DEPTH = 32;
/** Names and list items of the whole text: far above what any request needs, far below what costs time. */
export const MAX_JSON_VALUES = 10_000;

const REFUSAL = "Invalid request body";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The value of a request's body. Refused, besides what is not JSON: invalid UTF-8, a byte order mark, a name given twice,
 * the name `__proto__`, more than {@link MAX_JSON_DEPTH} levels, more than `maxValues` names and items.
 */
export function parseStrictJson(bytes: Uint8Array, maxValues = MAX_JSON_VALUES): unknown {
  const text = decode(bytes);
  const problem = findProblem(text, maxValues);
  if (problem) throw refuse(problem);
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    const fault = { field: "body", message: `is not valid JSON${position ? ` at position ${position}` : ""}` };
    throw new RequestError("invalid", REFUSAL, { fields: [fault] });
  }
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw refuse({ field: "body", message: "is not valid UTF-8" });
  }
  if (text.startsWith("\ufeff")) throw refuse({ field: "body", message: "starts with a byte order mark" });
  return text;
}

function refuse(problem: FieldError): RequestError {
  return new RequestError("invalid", `${REFUSAL}: ${problem.field} ${problem.message}`, { fields: [problem] });
}

/** Assumes nothing of the text: where it is not JSON, the scan may miss what it looks for, and `JSON.parse` will refuse. */
function findProblem(text: string, maxValues: number): FieldError | undefined {
  /** The names seen in each open object, innermost last; null stands for a list. */
  const open: (Set<string> | null)[] = [];
  let commas = 0;
  let expectsName = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        const problem = expectsName ? claimName(open.at(-1), text.slice(at, end + 1)) : undefined;
        if (problem) return problem;
        at = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_LIST:
        expectsName = text.charCodeAt(at) === OPEN_OBJECT;
        open.push(expectsName ? new Set() : null);
        if (open.length > MAX_JSON_DEPTH) {
          return { field: "body", message: `is nested more than ${MAX_JSON_DEPTH} levels deep` };
        }
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        open.pop();
        expectsName = false;
        break;
      case COLON:
        expectsName = false;
        break;
      case COMMA:
        expectsName = open.at(-1) instanceof Set;
        commas += 1;
        if (commas >= maxValues) return { field: "body", message: `has more than ${maxValues} values` };
        break;
    }
  }
  return undefined;
}

/** The index of the closing quote, or the text's length. Runs of backslashes are disjoint, so that all calls together are linear. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function claimName(names: Set<string> | null | undefined, literal: string): FieldError | undefined {
  const name = unquote(literal);
  if (name === undefined || !names) return undefined;
  if (name === "__proto__") return { field: name, message: "is not a name that can be used" };
  if (names.has(name)) return { field: fieldName(name), message: "is given twice" };
  names.add(name);
  return undefined;
}

/** A name may be spelt with escapes; undefined when it is no string after all. */
function unquote(literal: string): string | undefined {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}
