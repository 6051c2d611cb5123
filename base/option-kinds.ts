import { resolve } from "node:path";
import { parseAddress } from "./address.ts";
import { parseDuration } from "./time.ts";

/** What values an option takes. */
export interface Kind<T> {
  /** Stands for the value in the help, such as `PORT`; empty for a flag, which needs none. */
  readonly placeholder: string;
  /** Ends the sentence "--http-port must be …". */
  readonly expected: string;
  /** May be given several times: the texts are then joined by commas. */
  readonly repeatable: boolean;
  /** undefined if the text is not a value of this kind. */
  parse(text: string): T | undefined;
}

export const text: Kind<string> = {
  placeholder: "TEXT",
  expected: "a text that is not empty",
  repeatable: false,
  parse: (value) => (value === "" ? undefined : value),
};

/** On or off; `--name` alone is on. */
export const flag: Kind<boolean> = {
  placeholder: "",
  expected: "true or false",
  repeatable: false,
  parse: (value) => {
    if (value === "true" || value === "1") return true;
    return value === "false" || value === "0" ? false : undefined;
  },
};

/** A file or directory, made absolute: relative ones start at the working directory, wherever they are written. */
export const path: Kind<string> = {
  placeholder: "PATH",
  expected: "a path",
  repeatable: false,
  parse: (value) => (value === "" || value.includes("\0") ? undefined : resolve(value)),
};

export const port: Kind<number> = { ...integer(0, 65_535), placeholder: "PORT", expected: "a port from 0 to 65535" };

/** `host:port`. */
export const address: Kind<string> = {
  placeholder: "HOST:PORT",
  expected: "an address such as 127.0.0.1:9090 or [::1]:9090",
  repeatable: false,
  parse: (value) => (parseAddress(value) ? value : undefined),
};

/** In milliseconds; more than zero. */
export const duration: Kind<number> = {
  placeholder: "DURATION",
  expected: "a duration above zero, such as 500ms, 15s, 5m or 1h30m",
  repeatable: false,
  parse: (value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms > 0 && ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
  },
};

/** A whole number within the bounds, both included. */
export function integer(min: number, max: number): Kind<number> {
  return {
    placeholder: "N",
    expected: `a whole number from ${min} to ${max}`,
    repeatable: false,
    parse: (value) => {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
  };
}

export function oneOf<const T extends readonly string[]>(...choices: T): Kind<T[number]> {
  return {
    placeholder: choices.join("|"),
    expected: `one of ${choices.join(", ")}`,
    repeatable: false,
    parse: (value) => choices.find((choice) => choice === value),
  };
}

/** One or more, separated by commas. */
export function list<T>(item: Kind<T>): Kind<readonly T[]> {
  return {
    placeholder: `${item.placeholder},…`,
    expected: `a list separated by commas, each ${item.expected}`,
    repeatable: true,
    parse: (value) => {
      const items = value.split(",").map((part) => item.parse(part.trim()));
      return items.every((part) => part !== undefined) ? items : undefined;
    },
  };
}

/** `key=value` pairs, separated by commas; a later value of a key replaces an earlier one. */
export const keyValues: Kind<Readonly<Record<string, string>>> = {
  placeholder: "KEY=VALUE,…",
  expected: "pairs such as zone=a,rack=7",
  repeatable: true,
  parse: (value) => {
    if (value === "") return {};
    const pairs = value.split(",").map((pair) => /^\s*([^\s=]+)=(.*?)\s*$/.exec(pair));
    if (!pairs.every((pair) => pair !== null)) return undefined;
    return Object.fromEntries(pairs.map(([, key = "", item = ""]) => [key, item]));
  },
};
