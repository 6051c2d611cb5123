/** One table of options makes the flags, the environment variables, the keys of the configuration file and the help. */
import { parseArgs } from "node:util";
import { nearestName } from "./nearest.ts";
import { flag, type Kind, path } from "./option-kinds.ts";
import { readYamlFile } from "./yaml-file.ts";

export interface Option {
  readonly kind: Kind<unknown>;
  /** As a user would write it. Without one, and without a value, the option is undefined. */
  readonly default?: string;
  /** One line. */
  readonly help: string;
}

/** Options by their name in the code: `httpPort` is the flag `--http-port`, `GPUSCHED_HTTP_PORT` and the key `http-port`. */
export type OptionTable = Readonly<Record<string, Option>>;

export type OptionValues<T extends OptionTable> = { readonly [Name in keyof T]: OptionValue<T[Name]> };
type OptionValue<O extends Option> =
  O["kind"] extends Kind<infer T> ? (O extends { readonly default: string } ? T : T | undefined) : never;

export interface OptionSources {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Flags that are documented but do nothing yet, with a hint or an empty text: refused wherever they are set, never ignored. */
export type UnsupportedFlags = Readonly<Record<string, string>>;

/** What was asked on the command line, in the environment or in the file cannot be. The message says where and what is expected. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A text as it was given, and what the message calls the place. */
interface Given {
  readonly source: string;
  readonly text: string;
}

const configOption: Option = { kind: path, help: "a YAML file with any of these options as keys" };

/**
 * The options' values: from the flag, else the environment, else the file that `--config` names, else the default.
 *
 * @param passedOver what the file may also have, because it is another role's as well
 */
export function readOptions<T extends OptionTable>(
  table: T,
  unsupported: UnsupportedFlags,
  sources: OptionSources,
  passedOver: OptionTable = {},
): OptionValues<T> {
  const options = new Map(Object.entries({ ...table, config: configOption }).map(([name, o]) => [flagName(name), o]));
  const flags = readFlags(options, unsupported, sources.args);
  const variables = readVariables(options, unsupported, sources.environment);
  const config = flags.get("config") ?? variables.get("config");
  const others = new Set(Object.keys(passedOver).map(flagName));
  const keys = config
    ? readFile(options, unsupported, String(parse(configOption, config)), others)
    : new Map<string, Given>();
  const values: [string, unknown][] = Object.entries(table).map(([name, option]) => {
    const key = flagName(name);
    const given = flags.get(key) ?? variables.get(key) ?? keys.get(key) ?? defaultOf(option, key);
    return [name, given && parse(option, given)];
  });
  return Object.fromEntries(values) as OptionValues<T>;
}

/** The table for people, a line per option. */
export function describeOptions(table: OptionTable): string {
  const rows = Object.entries({ ...table, config: configOption }).map(([name, option]) => {
    const usage = `--${flagName(name)} ${option.kind.placeholder}`.trimEnd();
    const fallback = !option.default || option.kind === flag ? "" : ` (default ${option.default})`;
    return { usage, help: option.help + fallback };
  });
  const width = Math.min(36, Math.max(...rows.map((row) => row.usage.length)));
  return rows.map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}`).join("\n");
}

function readFlags(
  options: ReadonlyMap<string, Option>,
  unsupported: UnsupportedFlags,
  args: readonly string[],
): Map<string, Given> {
  const types = [...options].map(([name, { kind }]) => [name, { type: kind === flag ? "boolean" : "string" }] as const);
  const { tokens } = parseArgs({ args: [...args], options: Object.fromEntries(types), strict: false, tokens: true });
  const given = new Map<string, Given>();
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw new UsageError(`unexpected argument ${JSON.stringify(token.value)}`);
    const { name, rawName: source } = token;
    const option = source.startsWith("--") ? options.get(name) : undefined;
    if (!option) throw unknownName(source, name, (known) => `--${known}`, options, unsupported);
    const text = token.value ?? (option.kind === flag ? "true" : undefined);
    if (text === undefined || (!token.inlineValue && text.startsWith("--"))) {
      throw new UsageError(`${source} needs a value: ${option.kind.expected}`);
    }
    const before = option.kind.repeatable ? given.get(name) : undefined;
    given.set(name, { source, text: before ? `${before.text},${text}` : text });
  }
  return given;
}

/** Variables that are empty count as not set. Others that begin with the prefix belong to other roles, or to jobs. */
function readVariables(
  options: ReadonlyMap<string, Option>,
  unsupported: UnsupportedFlags,
  environment: OptionSources["environment"],
): Map<string, Given> {
  const given = new Map<string, Given>();
  for (const name of [...options.keys(), ...Object.keys(unsupported)]) {
    const source = variableName(name);
    const text = environment[source];
    if (!text) continue;
    if (!options.has(name)) throw notSupported(source, unsupported[name]);
    given.set(name, { source, text });
  }
  return given;
}

function readFile(
  options: ReadonlyMap<string, Option>,
  unsupported: UnsupportedFlags,
  file: string,
  passedOver: ReadonlySet<string>,
): Map<string, Given> {
  const given = new Map<string, Given>();
  for (const [name, value] of Object.entries(parseFile(file))) {
    const source = `${name} in ${file}`;
    const option = name === "config" ? undefined : options.get(name);
    if (!option && passedOver.has(name)) continue;
    if (!option) throw unknownName(source, name, (known) => known, options, unsupported);
    const text = textOf(value);
    if (text === undefined) throw new UsageError(`${source} must be ${option.kind.expected}`);
    given.set(name, { source, text });
  }
  return given;
}

function parseFile(file: string): object {
  const read = readYamlFile(file);
  if ("problem" in read) throw new UsageError(`the configuration file ${file} ${read.problem}`);
  const value = read.value ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new UsageError(`the configuration file ${file} must have keys and values, such as "http-port: 8080"`);
  }
  return value;
}

/** A value of the file as it would be written on the command line; undefined for what cannot be. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "object" || value === null) return undefined;
  const parts = Array.isArray(value)
    ? value.map(textOf)
    : Object.entries(value).map(([key, part]) => `${key}=${textOf(part) ?? ""}`);
  return parts.includes(undefined) ? undefined : parts.join(",");
}

function parse(option: Option, { source, text }: Given): unknown {
  const value = option.kind.parse(text);
  if (value === undefined)
    throw new UsageError(`${source} must be ${option.kind.expected}, not ${JSON.stringify(text)}`);
  return value;
}

function defaultOf(option: Option, key: string): Given | undefined {
  return option.default === undefined ? undefined : { source: `the default of --${key}`, text: option.default };
}

function unknownName(
  source: string,
  name: string,
  write: (known: string) => string,
  options: ReadonlyMap<string, Option>,
  unsupported: UnsupportedFlags,
): UsageError {
  if (Object.hasOwn(unsupported, name)) return notSupported(source, unsupported[name]);
  const meant = nearestName(name, options.keys());
  return new UsageError(`unknown option ${source}${meant ? `; did you mean ${write(meant)}?` : ""}`);
}

function notSupported(source: string, hint = ""): UsageError {
  return new UsageError(`${source} is not supported yet by this version${hint && `: ${hint}`}`);
}

/** `httpPort` → `http-port`. */
function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `http-port` → `GPUSCHED_HTTP_PORT`. */
function variableName(key: string): string {
  return `GPUSCHED_${key.toUpperCase().replaceAll("-", "_")}`;
}
