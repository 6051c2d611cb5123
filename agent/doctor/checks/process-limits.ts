import type { JobLimitation } from "../../executor/executor.ts";
import { LIMITED } from "../../executor/process/cgroup/cgroup-tree.ts";
import { type Finding, ok, unknown, warning } from "../finding.ts";

const CHECK = "process-limits";
const CURE =
  "let the agent make control groups: Delegate=cpu memory pids and DelegateSubgroup=agent in [Service] of a drop-in of " +
  "gpusched-agent.service (systemctl edit; systemd 254 and cgroup v2), or run jobs in containers (--executor docker)";

/** Whether plain processes are held to what they asked for. */
export function checkProcessLimits(limits: JobLimitation | undefined): readonly Finding[] {
  if (!limits) {
    return [unknown(CHECK, "only the agent knows what its jobs are held to", "look at the findings of its node")];
  }
  const { reason, missing } = limits;
  if (missing.length === 0) return [ok(CHECK, `jobs are ${reason}`)];
  const names = missing.map((it) => LIMITED[it]).join(", ");
  return [warning(CHECK, `jobs may use more than they asked for (${names}): ${reason}`, CURE)];
}
