/** `gpusched policy-diff`: what other policies would have made of a journal's workload. */
import { parseArgs } from "node:util";
import { RequestError } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";
import { POLICIES, type Policy } from "../controller/core/model/policy.ts";
import { canonicalJson } from "../controller/journal/canonical-json.ts";
import { describePolicyDiff, policyDiffJson } from "../controller/journal/describe-policy-diff.ts";
import { workloadOf } from "../controller/journal/journal-workload.ts";
import { policyDiff } from "../controller/journal/policy-diff.ts";
import { JournalError } from "../controller/journal/read-journal.ts";
import type { Workload } from "../controller/journal/workload.ts";
import { ExitCode } from "./exit-code.ts";
import { journalFilesOf } from "./journal-files.ts";
import { choosePolicy, type Policies, readPolicies } from "./policy-file.ts";
import type { Role } from "./role.ts";

export const policyDiffCommand: Role = {
  summary: "runs a journal's workload under several policies, and shows what becomes of it",
  usage: "FILE [--policies FILE] [--policy NAME]... [--json]",
  help: () =>
    [
      "  FILE             the journal of a term, such as journal.000007",
      "  --policies FILE  a YAML file with policies of your own",
      `  --policy NAME    a policy to compare the journal's own one with: one of your own, ${Object.keys(POLICIES).join(", ")} (all)`,
      "  --json           prints JSON",
      "",
      "Ends with code 65 if the file cannot be used, else with 0.",
    ].join("\n"),
  async run({ args }) {
    const { file, policies, names, isJson } = readCommand(args);
    const workload = await readWorkload(await onlyFileOf(file));
    if (typeof workload === "string") {
      console.error(`unusable: ${workload}`);
      return ExitCode.unusable;
    }
    const diff = policyDiff(workload, toCompare(workload.settings.policy, policies, names));
    if (isJson) console.log(JSON.stringify(policyDiffJson(diff), undefined, 2));
    else for (const line of describePolicyDiff(diff)) console.log(line);
    return ExitCode.success;
  },
};

function readCommand(args: readonly string[]) {
  const { values, positionals } = parse(args);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("one FILE is needed: the journal of a controller");
  const policies = readPolicies(values.policies);
  for (const name of values.policy) choosePolicy(policies, name);
  return { file, policies, names: values.policy, isJson: values.json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        policies: { type: "string" },
        policy: { type: "string", multiple: true, default: [] },
        json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

async function onlyFileOf(argument: string): Promise<string> {
  const files = await journalFilesOf(argument);
  const [file = argument] = files;
  if (files.length > 1) throw new UsageError(`${argument} has ${files.length} terms: name one, such as ${file}`);
  return file;
}

/** The workload, or why there is none. */
async function readWorkload(file: string): Promise<Workload | string> {
  try {
    return await workloadOf(file);
  } catch (error) {
    if (error instanceof JournalError || error instanceof RequestError) return error.message;
    throw error;
  }
}

/**
 * The journal's own policy, then the others. A policy may have changed since the journal was written: what has its name now
 * is another one.
 */
function toCompare(own: Policy, policies: Policies, names: readonly string[]): readonly Policy[] {
  const wanted = names.length > 0 ? names : [...policies.keys()];
  const others = [...new Set(wanted)]
    .map((name) => choosePolicy(policies, name))
    .filter((policy) => canonicalJson(policy) !== canonicalJson(own))
    .map((policy) => (policy.name === own.name ? { ...policy, name: `${policy.name} (now)` } : policy));
  if (others.length === 0) throw new UsageError(`${own.name} is the journal's own policy: name another one`);
  return [own, ...others];
}
