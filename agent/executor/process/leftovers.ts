/** What is left of jobs that no runner looks after any more. */
import type { Logger } from "../../../base/logger.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import { outOfMemoryMessage, ranOutOfMemory, removeJobGroup } from "./cgroup/job-group.ts";
import { killGroup } from "./session.ts";
import type { StatusEnd } from "./status.ts";

/** Nothing stays in the job's control group, and then the group itself goes. */
export async function clearGroup(files: AttemptFiles, name: string, log: Logger): Promise<void> {
  const group = await files.readGroup(name);
  if (!group || ((await killGroup(group)) && removeJobGroup(group))) return;
  log.warn({ allocation: name }, "the control group of a job that has ended stays");
}

/** What can be said of a job whose exit code nobody knows. */
export async function endWithoutRunner(files: AttemptFiles, name: string): Promise<StatusEnd> {
  const group = await files.readGroup(name);
  if (group && ranOutOfMemory(group)) return { kind: "exited", outOfMemory: true, message: outOfMemoryMessage(group) };
  return { kind: "exited", message: "its exit code was lost with the process that watched it" };
}
