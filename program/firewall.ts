/** `gpusched firewall`: what jobs on this host may not reach. */
import { basename, join } from "node:path";
import { loadRules, planRules, removeRules } from "../agent/firewall/firewall.ts";
import { MARK_FILE } from "../agent/firewall/mark.ts";
import { TABLE } from "../agent/firewall/rules.ts";
import { describeOptions, readOptions } from "../base/options.ts";
import { containerPolicyOf } from "./container-policy.ts";
import { ExitCode } from "./exit-code.ts";
import { agentOptions, firewallOptions } from "./options.ts";
import type { Role } from "./role.ts";

export const firewallCommand: Role = {
  summary: "keeps containers of jobs from this host, its cluster and the cloud's metadata",
  help: () => describeOptions(firewallOptions),
  async run(sources) {
    const { controllers, print, remove, ...values } = readOptions(firewallOptions, {}, sources, agentOptions);
    // Where systemd has made a directory for it, it says so.
    const directory = sources.environment["RUNTIME_DIRECTORY"];
    const markFile = directory === undefined ? MARK_FILE : join(directory, basename(MARK_FILE));
    if (remove) {
      await removeRules(markFile);
      console.log(`the table ${TABLE} is removed: nothing but Docker's own rules confines the network of jobs`);
      return ExitCode.success;
    }
    const { policy } = containerPolicyOf({ ...values, allowVolume: undefined });
    const planned = await planRules({ policy, controllers });
    if (print) {
      console.log(planned.text);
      return ExitCode.success;
    }
    await loadRules(planned, markFile);
    const { unresolved } = planned.mark;
    for (const address of unresolved) console.error(`gpusched: nobody knows the address of the controller ${address}`);
    console.log(`the table ${TABLE} is loaded`);
    return ExitCode.success;
  },
};
