/** `gpusched policies`: all policies with all of their values, in the form in which a file has them. */
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { UsageError } from "../base/options.ts";
import { ExitCode } from "./exit-code.ts";
import { showPolicy } from "./policy-fields.ts";
import { choosePolicy, readPolicies } from "./policy-file.ts";
import type { Role } from "./role.ts";

export const policiesCommand: Role = {
  summary: "prints policies with all of their values, to begin your own with",
  usage: "[NAME]... [--policies FILE]",
  help: () =>
    [
      "  NAME             only this policy (all)",
      "  --policies FILE  a YAML file with policies of your own, which are printed too",
      "",
      "What is printed is in the form of such a file. Built-in policies stay as they are: give yours other names.",
    ].join("\n"),
  run({ args }) {
    const { values, positionals } = parse(args);
    const policies = readPolicies(values.policies);
    const names = positionals.length > 0 ? positionals : [...policies.keys()];
    const shown = new Map(names.map((name) => [name, showPolicy(choosePolicy(policies, name))]));
    process.stdout.write(stringify(shown));
    return Promise.resolve(ExitCode.success);
  },
};

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { policies: { type: "string" } } });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
