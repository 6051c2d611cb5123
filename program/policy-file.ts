/** An operator's own policies: a YAML file of names, each with what is different from another policy. */
import { RequestError } from "../base/errors.ts";
import { nearestName } from "../base/nearest.ts";
import { UsageError } from "../base/options.ts";
import { readYamlFile } from "../base/yaml-file.ts";
import { parseOrRefuse, printable } from "../contract/parse.ts";
import { POLICIES, type Policy, policyNamed } from "../controller/core/model/policy.ts";
import { RECORDED } from "../controller/journal/policy-diff.ts";
import { type PolicyChange, policySchema } from "./policy-fields.ts";

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Policies by name. */
export type Policies = ReadonlyMap<string, Policy>;

/**
 * The built-in policies, then those of the file.
 *
 * @throws UsageError that names the file, the policy and the field
 */
export function readPolicies(file: string | undefined): Policies {
  const builtIn = new Map(Object.entries(POLICIES));
  if (file === undefined) return builtIn;
  const changes = new Map(Object.entries(readFile(file)).map(([name, value]) => [name, readChange(file, name, value)]));
  const own = [...changes.keys()].map((name) => [name, extended(file, name, changes, [])] as const);
  return new Map([...builtIn, ...own]);
}

/** The policy that the options ask for. */
export function policyOf(options: { readonly policies: string | undefined; readonly policy: string }): Policy {
  return choosePolicy(readPolicies(options.policies), options.policy);
}

/** @throws UsageError if there is none of that name */
export function choosePolicy(policies: Policies, name: string): Policy {
  const policy = policies.get(name);
  if (!policy) throw new UsageError(noPolicy(name, policies.keys()));
  return policy;
}

function readFile(file: string): object {
  const read = readYamlFile(file);
  if ("problem" in read) throw new UsageError(`the policies file ${file} ${read.problem}`);
  const { value } = read;
  if (typeof value !== "object" || value === null || Array.isArray(value) || Object.keys(value).length === 0) {
    throw new UsageError(`the policies file ${file} must have policies by their names; gpusched policies prints some`);
  }
  return value;
}

function readChange(file: string, name: string, value: unknown): PolicyChange {
  const fault = faultOfName(name);
  if (fault !== undefined) throw new UsageError(`${placeOf(file, name)}: ${fault}`);
  try {
    return parseOrRefuse(policySchema, value, placeOf(file, name));
  } catch (error) {
    throw error instanceof RequestError ? new UsageError(error.message) : error;
  }
}

function faultOfName(name: string): string | undefined {
  if (!NAME.test(name))
    return "a name is 1 to 64 of the characters a-z, 0-9, - and _, and begins with one of the former";
  if (name === RECORDED) return "this is what policy-diff calls what was recorded: take another name";
  if (Object.hasOwn(POLICIES, name)) return "a built-in policy has this name and stays as it is: take another name";
  return undefined;
}

/** @param behind the policies that extend it, the first one first */
function extended(
  file: string,
  name: string,
  changes: ReadonlyMap<string, PolicyChange>,
  behind: readonly string[],
): Policy {
  const own = changes.get(name);
  if (!own) return policyNamed(name);
  const base = own.extends;
  const path = [...behind, name];
  if (path.includes(base)) {
    throw new UsageError(`${placeOf(file, name)}: extends itself: ${[...path, base].join(" extends ")}`);
  }
  if (!changes.has(base) && !Object.hasOwn(POLICIES, base)) {
    throw new UsageError(
      `${placeOf(file, name)}: extends: ${noPolicy(base, [...Object.keys(POLICIES), ...changes.keys()])}`,
    );
  }
  return { ...changed(extended(file, base, changes, path), own.change), name };
}

/** Of groups of fields, those that are not given stay. */
function changed<T extends object>(base: T, change: object): T {
  const fields = Object.entries(change).map(([name, value]: [string, unknown]) => {
    const before: unknown = base[name as keyof T];
    const isGroup = typeof value === "object" && value !== null && typeof before === "object" && before !== null;
    return [name, isGroup ? { ...before, ...value } : value];
  });
  return { ...base, ...Object.fromEntries(fields) };
}

function placeOf(file: string, name: string): string {
  return `${file}: policy ${printable(name)}`;
}

function noPolicy(name: string, known: Iterable<string>): string {
  const meant = nearestName(name, known);
  return `there is no policy ${JSON.stringify(name)}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
