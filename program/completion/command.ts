/** `gpusched completion`: for shells of users who have not installed a package. */
import { UsageError } from "../../base/options.ts";
import { ExitCode } from "../exit-code.ts";
import type { Role } from "../role.ts";
import { SHELLS } from "./shells.ts";

/** @param verbs all of the program's, this one included */
export function completionCommand(verbs: () => Promise<ReadonlyMap<string, Role>>): Role {
  const shells = Object.keys(SHELLS);
  return {
    summary: "prints what makes a shell complete commands and options",
    usage: shells.join("|"),
    help: () => ["  For bash, in ~/.bashrc:", "", "    source <(gpusched completion bash)"].join("\n"),
    async run({ args }) {
      const [shell = "", ...others] = args;
      const script = SHELLS[shell];
      if (!script || others.length > 0) throw new UsageError(`a shell is needed: ${shells.join(", ")}`);
      process.stdout.write(script(await verbs()));
      return ExitCode.success;
    },
  };
}
